use hothouse_host::*; use hothouse_runtime::native::*; use hothouse_runtime::contract::*; use hothouse_protocol::StartupOptions;
struct P; impl Plugin for P { async fn init(&self,_:Init)->Result<Description,PluginError>{Ok(Description::default())} }
fn main(){
 let n:usize=std::env::args().nth(1).unwrap().parse().unwrap(); let reps:usize=std::env::args().nth(2).unwrap().parse().unwrap();
 let host=Host::spawn(HostSettings::default(),move||{let pool=Pool::new();(0..n).map(|i|PluginSpec::new(format!("p{i}"),NativeLoader::new(&pool,||P))).collect()}).unwrap();
 let mut v=vec![];
 for _ in 0..reps{ let t=std::time::Instant::now(); let r=wait(host.orchestrate_startup(&StartupOptions{parallel:true,..Default::default()})).unwrap(); v.push((r.result().total_duration, t.elapsed())); if std::env::var_os("HT").is_some(){drop(wait(host.view()));} wait(host.stop_all()).unwrap();}
 v.sort_by(|a,b|a.0.total_cmp(&b.0)); println!("min {:?} median {:?}",v[0],v[v.len()/2]);
}
