#include "impls/asio/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/asio/types.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace reactorlab::asio_peer {

InProcessReport cross_thread_wake(const InProcessRequest& request) {
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO);
  auto work = asio::make_work_guard(context);
  peer_kit::PingPong game(request);
  game.start([&] {
    asio::post(context, [&] {
      if (!game.answer()) work.reset();
    });
  });
  context.run();
  return game.report();
}

InProcessReport post(const InProcessRequest& request) {
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO);
  auto work = asio::make_work_guard(context);
  peer_kit::Posting posting(request);
  posting.start([&](const peer_kit::Posting::Job& job) {
    asio::post(context, [&work, job] {
      if (job()) work.reset();
    });
  });
  asio::post(context, [&] { posting.open(); });
  context.run();
  return posting.report();
}

}  // namespace reactorlab::asio_peer
