//! One optimiser step, Adam included: `train/step`. Products a layer: values 3, sobolev 6, second-order along two directions
//! 18; the unit tests count the last and check all against differences.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faer::Mat;
use rand_distr::{Distribution, StandardNormal};
use sobolev::data::{Bundle, Curvature, Scaled};
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Network, Packed, Stack};
use sobolev::train::{Adam, BatchGradient, Loss, LossWeights, Rows};

fn data<T: Packed>(n: usize, inputs: usize) -> Scaled<T> {
    let mut rng = Streams::new(1, Purpose::Training).next().expect("endless");
    let mut normal = move || -> T { T::of(StandardNormal.sample(&mut rng)) };
    let x = Mat::from_fn(n, inputs, |_, _| normal());
    let y = Mat::from_fn(n, 1, |_, _| normal());
    let dy = Mat::from_fn(n, inputs, |_, _| normal());
    let mut bundle = Bundle::new(0..n, Mat::from_fn(inputs, 2, |_, _| normal()));
    bundle.products = Mat::from_fn(n, 2 * inputs, |_, _| normal());
    let mut curvature = Curvature::new(n, n);
    curvature.put_scaled(bundle);
    let mut data = Scaled::new(x, y, Some(dy));
    data.set_curvature(Some(curvature));
    data
}

fn step<T: Packed>(c: &mut Criterion, name: &str, hidden: &[usize], batch: usize, loss: Loss) {
    let mut rng = Streams::new(1, Purpose::Initialisation).next().expect("endless");
    let mut net = Network::<_, T>::init(Stack::mlp(7, hidden, 1, Activation::Silu), &mut rng);
    let data = data::<T>(batch, 7);
    let mut weights = LossWeights::new(loss, &data);
    weights.set(loss, 2);
    let (rows, mut gradient) = (Rows::Range(0..batch), BatchGradient::new(&net, batch));
    let mut adam = Adam::new(net.params().len());
    let kind = match loss {
        Loss::Values => "values",
        Loss::Sobolev { .. } => "sobolev",
        Loss::SecondOrder { .. } => "second-order",
    };
    let mut group = c.benchmark_group("train/step");
    group.throughput(Throughput::Elements(batch as u64));
    group.bench_function(format!("{name}/{kind}/{}/{batch}", T::NAME), |b| {
        b.iter(|| {
            let losses = gradient.compute(&net, &data, &rows, &weights);
            let parts: Vec<&[T]> = gradient.parts().collect();
            adam.step(net.params_mut(), &parts, 1e-9, gradient.parallel());
            losses
        });
    });
    group.finish();
}

fn benches(c: &mut Criterion) {
    for loss in [Loss::Values, Loss::SOBOLEV, Loss::SECOND_ORDER] {
        for batch in [256, 1024] {
            step::<f32>(c, "6x128", &[128; 6], batch, loss);
            step::<f64>(c, "6x128", &[128; 6], batch, loss);
        }
        step::<f32>(c, "3-3-1-2-2-2", &[3, 3, 1, 2, 2, 2], 1024, loss);
        step::<f64>(c, "3-3-1-2-2-2", &[3, 3, 1, 2, 2, 2], 1024, loss);
    }
}

criterion_group!(all, benches);
criterion_main!(all);
