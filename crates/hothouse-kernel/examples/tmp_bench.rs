use hothouse_kernel::input::*;
use hothouse_kernel::*;
use std::time::Instant as I;
fn main() {
    for n in [1000usize, 1000, 1000, 100_000] {
        let g = Graph::build((0..n).map(|i| PluginDecl::new(format!("p{i}"))).collect()).unwrap();
        let mut k = Kernel::new(g, Settings::default());
        let t0 = I::now();
        let mut q = std::collections::VecDeque::new();
        let mut t = 0u64;
        let mut ev = 0;
        let mut feed = |k: &mut Kernel, inp, q: &mut std::collections::VecDeque<Input>| {
            t += 1;
            k.handle(Instant::from_nanos(t), inp);
            while let Some(_) = k.poll_event() {
                ev += 1;
            }
            while let Some(a) = k.poll_action() {
                match a {
                    Action::Init { plugin, incarnation, .. } => {
                        q.push_back(Input::Answered { plugin, incarnation, answer: Answer::Initialized })
                    }
                    Action::Start { plugin, incarnation, .. } => {
                        q.push_back(Input::Answered { plugin, incarnation, answer: Answer::Started })
                    }
                    _ => {}
                }
            }
        };
        feed(
            &mut k,
            Input::Requested {
                id: RequestId(1),
                request: Request::Start {
                    targets: Targets::All,
                    options: StartOptions { parallel: true, ..Default::default() },
                },
            },
            &mut q,
        );
        let t1 = I::now();
        while let Some(i) = q.pop_front() {
            feed(&mut k, i, &mut q);
        }
        println!(
            "{n}: request {:?} answers {:?} total {:?} per {:?} events {ev}",
            t1 - t0,
            t1.elapsed(),
            t0.elapsed(),
            t0.elapsed() / n as u32
        );
    }
}
