//! scratch
use sobolev::pipeline::*; use sobolev::prune::*; use sobolev::train::Loss; use sobolev::cli::progress::Progress;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let get = |k: &str, d: f64| a.iter().position(|x| x == k).map_or(d, |i| a[i + 1].parse().unwrap());
    let mut plan = Plan::default();
    plan.train.epochs = get("te", plan.train.epochs as f64) as usize; plan.train.paths = get("tp", plan.train.paths as f64) as usize; plan.train.batch = get("tb", plan.train.batch as f64) as usize; plan.train.peak = get("tr", plan.train.peak);
    plan.retrain.epochs = get("re", plan.retrain.epochs as f64) as usize; plan.retrain.peak = get("rr", plan.retrain.peak);
    plan.prune.retrain.epochs = get("pe", plan.prune.retrain.epochs as f64) as usize; plan.prune.retrain.peak = get("pr", plan.prune.retrain.peak);plan.prune.keep = get("pk", plan.prune.keep);
    plan.finetune.epochs = get("fe", plan.finetune.epochs as f64) as usize; plan.finetune.peak = get("fr", plan.finetune.peak); plan.finetune.paths = get("fp", plan.finetune.paths as f64) as usize;
    plan.polish.iterations = get("li", plan.polish.iterations as f64) as usize; plan.polish.paths = get("lp", plan.polish.paths as f64) as usize; plan.polish.samples = get("ls", plan.polish.samples as f64) as usize;
    let crit = a.iter().position(|x| x == "crit").map_or("interval", |i| &a[i + 1]);
    let fold = if get("mid", 0.0) > 0.0 { Fold::Midpoint } else { Fold::Mean };
    let mut p = Progress::new(true);
    for seed in get("from", 1.0) as u64..=get("to", 1.0) as u64 {
        let problem = Problem::new(7, get("basket", 1.0) as u64).unwrap();
        let mut study = Study::new(&problem, &plan, seed);
        let show = |n: &str, s: &sobolev::data::Surrogate, st: &Study| { let x = Scores::of(s, &problem); println!("seed {seed} {n:14} V {:.6} D {:.6} Dc {:.6} G {:.6}  {:.1}s", x.values, x.deltas, x.deltas_by_column, x.gammas, st.records.last().map_or(0.0, |r| r.seconds)); };
        let path = format!("/tmp/big-{seed}-{}-{}-{}-{}.safetensors", plan.train.epochs, plan.train.paths, plan.train.batch, plan.train.peak);
        let big = if let Ok((b, _)) = sobolev::data::Surrogate::load(path.as_ref()) { b } else { let mut b = study.initial(&plan.oversized).unwrap(); study.train(&mut b, Loss::Values, &mut p).unwrap(); b.save(path.as_ref(), &Default::default()).unwrap(); b };
        show("oversized", &big, &study);
        if get("only", 0.0) > 0.0 { continue; }
        let mut small = big.clone();
        let mut c = criterion(crit, seed).unwrap();
        let h = study.prune(&mut small, &big, &mut *c, fold, &mut p).unwrap();
        for r in &h.rounds { println!("   {:?} {:.2e} {:.2e} {:.2e}", r.widths, r.loss[0], r.loss[1], r.loss[2]); }
        show("pruned", &small, &study);
        let mut n = small.clone(); study.finetune_from_network(&mut n, &big, &mut p).unwrap(); show("from network", &n, &study);
        let mut n = small.clone(); study.finetune_from_model(&mut n, &mut p).unwrap(); show("from model", &n, &study);
        let mut n = small.clone(); study.collapse(&mut n, &big, &mut p).unwrap(); show("collapsed", &n, &study);
        println!("total {:.1}", study.records.iter().map(|r| r.seconds).sum::<f64>());
    }
}
