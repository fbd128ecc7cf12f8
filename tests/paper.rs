//! The paper's amount of data: what stands behind every column of `--paper` is counted, path by path.
#![cfg(feature = "std")]

use std::collections::HashSet;
use std::sync::Mutex;

use sobolev::data::TestSet;
use sobolev::math::Scalar;
use sobolev::math::random::{LANES, Purpose, Streams};
use sobolev::model::pathwise::Workspace;
use sobolev::model::{Bachelier, Batch, Call, Jacobian, Model, Smoothing};
use sobolev::observer::Unobserved;
use sobolev::pipeline::{Ensemble, Fit, Plan, Problem, Pruning, Reference, Study};
use sobolev::prune::{Fold, IntervalAdjoint};
use sobolev::train::Loss;

/// A model that takes down every path it is asked for, by the bits of its inputs and noise.
#[derive(Debug)]
struct Counted {
    model: Bachelier,
    paths: Mutex<HashSet<Vec<u64>>>,
}

impl Model for Counted {
    fn inputs(&self) -> usize {
        self.model.inputs()
    }
    fn noise(&self) -> usize {
        self.model.noise()
    }
    fn observables(&self) -> usize {
        self.model.observables()
    }
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
        self.model.path(inputs, noise, observables);
    }
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
        self.model.training_inputs(normals, inputs);
    }
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) {
        self.model.test_inputs(uniforms, inputs);
    }
    fn observe(&self, inputs: &[Batch], noise: &[Batch], observables: &mut [Batch]) {
        let mut paths = self.paths.lock().unwrap();
        for lane in 0..LANES {
            paths.insert(inputs.iter().chain(noise).map(|x| x.0[lane].to_bits()).collect());
        }
        self.model.observe(inputs, noise, observables);
    }
    fn pull_back(&self, x: &[Batch], z: &[Batch], bar: &[Batch], x_bar: &mut [Batch], workspace: &mut Workspace) {
        self.model.pull_back(x, z, bar, x_bar, workspace);
    }
    fn jacobian(&self) -> Jacobian {
        self.model.jacobian()
    }
}

/// The plan of `--paper` with small networks and few epochs: its samples are what they are.
fn plan() -> Plan {
    let paper = Plan::paper();
    let brief = |fit: Fit| Fit { epochs: 1, ..fit };
    let ensemble = paper.ensemble.clone().unwrap();
    Plan {
        oversized: vec![8, 8],
        pruned: vec![3, 1],
        train: brief(paper.train),
        prune: Pruning { retrain: Fit { samples: 1 << 12, ..brief(paper.prune.retrain) }, ..paper.prune.clone() },
        retrain: Fit { samples: 1 << 12, ..brief(paper.retrain) },
        finetune: Fit { samples: 1 << 12, ..brief(paper.finetune) },
        ensemble: Some(Ensemble { members: 2, hidden: vec![8], fit: brief(ensemble.fit) }),
        attempts: 2,
        ..paper
    }
}

#[test]
fn every_column_rests_on_the_same_8192_antithetic_pairs() {
    let (model, payoff) = (Bachelier::random(1, 2).unwrap(), Call::default());
    let test = TestSet::draw(&model, &payoff, &mut Streams::new(1, Purpose::Test), 64).unwrap();
    let model = Counted { model, paths: Mutex::default() };
    let reference: Reference<Counted, Call> =
        Problem { model, payoff, smoothing: Smoothing::NONE, test, basket_seed: 1 }.into();
    let (plan, observer) = (plan(), &mut Unobserved);
    let seen = || reference.problem().unwrap().model.paths.lock().unwrap().clone();

    let mut study = Study::new(&reference, &plan, 1);
    let mut large = study.initial(&plan.oversized).unwrap();
    study.train(&mut large, Loss::Values, observer).unwrap();
    let behind_the_first = seen();
    assert_eq!(behind_the_first.len(), 2 * 8192);

    let mut pruned = large.clone();
    let criterion = &mut IntervalAdjoint::default();
    study.prune(&mut pruned, &large, criterion, Fold::Mean, observer).unwrap();
    study.finetune_from_network(&mut pruned.clone(), &large, observer).unwrap();
    let mut tuned = pruned.clone();
    study.finetune_from_model(&mut tuned, observer).unwrap();
    let mut collapsed = pruned;
    study.collapse(&mut collapsed, &large, observer).unwrap();
    study.finetune_from_model(&mut collapsed, observer).unwrap();
    assert!(seen() == behind_the_first, "no path but those: {} in all", seen().len());

    // Each has its mirror image: the same inputs, the noise with its sign turned.
    let mirrored = |path: &Vec<u64>| {
        let turn = |(i, bits): (usize, &u64)| if i < 2 { *bits } else { (-f64::from_bits(*bits)).to_bits() };
        path.iter().enumerate().map(turn).collect::<Vec<_>>()
    };
    assert!(behind_the_first.iter().all(|path| behind_the_first.contains(&mirrored(path))));
    assert_eq!(
        plan.simulation(),
        "one set of 8192 samples of 1 antithetic pair of paths each, behind every column, held-out samples included"
    );
}
