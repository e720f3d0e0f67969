#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

/// Asio's objects on the context's own executor: the default, any_io_executor, is an indirection that nothing here
/// needs.
namespace reactorlab::asio_peer {

namespace asio = boost::asio;
using boost::system::error_code;

using Executor = asio::io_context::executor_type;
using Socket = asio::ip::tcp::socket::rebind_executor<Executor>::other;
using Acceptor = asio::ip::tcp::acceptor::rebind_executor<Executor>::other;
using Descriptor = asio::posix::stream_descriptor::rebind_executor<Executor>::other;
using Timer = asio::steady_timer::rebind_executor<Executor>::other;

}  // namespace reactorlab::asio_peer
