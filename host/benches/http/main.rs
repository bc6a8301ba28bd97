mod hello;
mod native;
fn main() {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|a| a.to_str()) {
        Some("native") => native::serve(args).unwrap(),
        Some("hello") => hello::serve(args.next().unwrap().to_str().unwrap().parse().unwrap()).unwrap(),
        _ => panic!(),
    }
}
