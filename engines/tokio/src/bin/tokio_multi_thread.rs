use reactorlab_tokio::{serve, setting};
use tokio::runtime::Builder;

fn main() -> std::io::Result<()> {
    let workers = setting("WORKERS", 1);
    serve(Builder::new_multi_thread().worker_threads(workers).enable_all().build()?)
}
