use tokio::runtime::Builder;

fn main() -> std::io::Result<()> {
    reactorlab_tokio::serve(Builder::new_current_thread().enable_all().build()?)
}
