#include "daemon/http_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/api_answers.hpp"

namespace tapd {
namespace {

constexpr std::size_t largest_body = 64 * 1024;
constexpr unsigned most_connections = 32;
/// Each serves one request at a time, and takes its share of the connections.
constexpr unsigned threads = 4;
constexpr unsigned idle_seconds = 10;
constexpr std::size_t most_streams = 8;
/// What the kernel keeps for a stream's client that does not read.
constexpr int stream_send_buffer = 16 * 1024;
constexpr std::size_t stream_block = 4 * 1024;
constexpr std::chrono::milliseconds between_wakes{50};

sockaddr_un address_of(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket.string();
  if (path.size() >= sizeof address.sun_path) {
    throw std::runtime_error{fmt::format("{}: the path is too long for a socket", path)};
  }
  path.copy(address.sun_path, path.size());  // what follows is zero already
  return address;
}

[[noreturn]] void fail(const std::filesystem::path& socket, const std::string& what) {
  throw std::runtime_error{fmt::format("{}: {}: {}", socket.string(), what, std::strerror(errno))};
}

/// Somebody answers on the socket: another tapd.
bool in_use(const sockaddr_un& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool answered =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return answered;
}

int listen_on(const std::filesystem::path& socket) {
  const sockaddr_un address = address_of(socket);
  if (in_use(address)) {
    throw std::runtime_error{fmt::format(
        "{}: somebody listens there already (another tapd?): stop that first, or name another "
        "controller.socket",
        socket.string())};
  }
  struct stat there{};
  if (::lstat(address.sun_path, &there) == 0 && !S_ISSOCK(there.st_mode)) {
    throw std::runtime_error{fmt::format(
        "{}: there is something that is no socket, and tapd does not delete it: name another "
        "controller.socket",
        socket.string())};
  }
  ::unlink(address.sun_path);  // what a killed tapd has left
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) fail(socket, "no socket");
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(descriptor);
    fail(socket, "cannot be made (does its folder exist, and may tapd write there?)");
  }
  constexpr mode_t owner_and_group = 0660;
  ::chmod(address.sun_path, owner_and_group);
  if (::listen(descriptor, static_cast<int>(most_connections)) != 0) {
    ::close(descriptor);
    fail(socket, "cannot be listened on");
  }
  return descriptor;
}

int listen_on_loopback(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const std::string name = fmt::format("port {} of the loopback", port);
  if (descriptor < 0) fail(name, "no socket");
  const int again = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(descriptor, static_cast<int>(most_connections)) != 0) {
    const int error = errno;
    ::close(descriptor);
    errno = error;
    fail(name, "cannot be listened on (taken, or forbidden by SocketBindDeny= of the unit?)");
  }
  return descriptor;
}

/// Who is at the other end of the connection (SO_PEERCRED, unix(7)).
std::string user_of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (info == nullptr ||
      ::getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return "somebody";
  }
  std::array<char, 1'024> room{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(peer.uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return fmt::format("uid {}", peer.uid);
}

/// tapctl hangs up when it has waited long enough.
bool has_hung_up(int descriptor) {
  pollfd peer{.fd = descriptor, .events = POLLRDHUP, .revents = 0};
  return ::poll(&peer, 1, 0) == 1 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

std::function<bool()> look_at(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info == nullptr) return {};
  return [descriptor = info->connect_fd] { return has_hung_up(descriptor); };
}

MHD_Result add_to_query(void* query, MHD_ValueKind /*kind*/, const char* key, const char* value) {
  (*static_cast<std::map<std::string, std::string>*>(query))[key] = value == nullptr ? "" : value;
  return MHD_YES;
}

MHD_Result send(MHD_Connection* connection, const ApiResponse& response) {
  // MHD copies the body, so the cast away from const is never written through.
  MHD_Response* answer = MHD_create_response_from_buffer(
      response.body.size(), const_cast<char*>(response.body.data()), MHD_RESPMEM_MUST_COPY);
  if (answer == nullptr) return MHD_NO;
  MHD_add_response_header(answer, "Content-Type", response.content_type.c_str());
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(response.status), answer);
  MHD_destroy_response(answer);
  return queued;
}

}  // namespace

struct HttpServer::Implementation {
  /// A client that listens. Made and ended on the server's thread; `guard` is the server's.
  struct Stream {
    Implementation* server{nullptr};
    MHD_Connection* connection{nullptr};
    StreamSource source;
    std::uint64_t seen{0};
    std::string waiting;  // what was told and is not sent yet, ...
    std::size_t sent{0};  // ... but for so much
    bool suspended{false};
  };

  std::filesystem::path socket;
  ApiHandler handler;
  MHD_Daemon* daemon{nullptr};
  std::mutex guard;
  std::set<Stream*> streams;
  bool closing{false};
  std::condition_variable_any listened;
  std::jthread waker;  // asks the sources again and again, while there are any

  /// With `guard` held.
  void wake() {
    for (Stream* stream : streams) {
      if (std::exchange(stream->suspended, false)) MHD_resume_connection(stream->connection);
    }
  }

  void wake_for_ever(const std::stop_token& stop) {
    std::unique_lock lock{guard};
    // A wait that was told to stop still says whether its condition holds.
    while (listened.wait(lock, stop, [this] { return !streams.empty(); }) &&
           !stop.stop_requested()) {
      listened.wait_for(lock, stop, between_wakes, [] { return false; });
      wake();
    }
  }

  /// Before the daemon is stopped: it must not be left with suspended connections.
  void close_streams() {
    waker.request_stop();
    if (waker.joinable()) waker.join();
    const std::lock_guard lock{guard};
    closing = true;
    wake();
  }

  static ssize_t read_stream(void* self, std::uint64_t /*position*/, char* room, std::size_t size) {
    Stream& stream = *static_cast<Stream*>(self);
    const std::lock_guard lock{stream.server->guard};
    if (stream.server->closing) return MHD_CONTENT_READER_END_OF_STREAM;
    if (stream.sent == stream.waiting.size()) {
      stream.waiting = stream.source(stream.seen);
      stream.sent = 0;
    }
    if (stream.waiting.empty()) {
      stream.suspended = true;
      MHD_suspend_connection(stream.connection);
      return 0;
    }
    const std::size_t part = std::min(size, stream.waiting.size() - stream.sent);
    std::copy_n(stream.waiting.begin() + static_cast<std::ptrdiff_t>(stream.sent), part, room);
    stream.sent += part;
    return static_cast<ssize_t>(part);
  }

  static void end_stream(void* self) {
    const std::unique_ptr<Stream> stream{static_cast<Stream*>(self)};
    const std::lock_guard lock{stream->server->guard};
    stream->server->streams.erase(stream.get());
  }

  MHD_Result begin_stream(MHD_Connection* connection, const ApiResponse& response) {
    auto stream = std::make_unique<Stream>();
    stream->server = this;
    stream->connection = connection;
    stream->source = response.stream;
    {
      const std::lock_guard lock{guard};
      if (streams.size() >= most_streams) {
        return send(connection,
                    {.status = 503, .body = R"({"error":"too many clients listen already"})"});
      }
      streams.insert(stream.get());
    }
    listened.notify_all();
    if (const MHD_ConnectionInfo* info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)) {
      ::setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &stream_send_buffer,
                   sizeof stream_send_buffer);
    }
    // Freed in `end_stream`.
    MHD_Response* answer = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, stream_block, &Implementation::read_stream, stream.get(),
        &Implementation::end_stream);
    if (answer == nullptr) {
      const std::lock_guard lock{guard};
      streams.erase(stream.get());
      return MHD_NO;
    }
    [[maybe_unused]] Stream* const kept_by_response = stream.release();
    MHD_add_response_header(answer, "Content-Type", response.content_type.c_str());
    const MHD_Result queued =
        MHD_queue_response(connection, static_cast<unsigned>(response.status), answer);
    MHD_destroy_response(answer);
    return queued;
  }

  void start(int listening, const std::string& name) {
    daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr,
        nullptr, &Implementation::serve, this, MHD_OPTION_LISTEN_SOCKET, listening,
        MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT, most_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_NOTIFY_COMPLETED,
        &Implementation::completed, this, MHD_OPTION_END);
    if (daemon == nullptr) {
      ::close(listening);
      throw std::runtime_error{name + ": its server could not be started"};
    }
    waker = std::jthread{[this](const std::stop_token& stop) { wake_for_ever(stop); }};
  }

  ApiResponse answer(const ApiRequest& request) const {
    try {
      return handler(request);
    } catch (const std::exception& error) {
      return problem(500, error.what());
    }
  }

  static MHD_Result serve(void* self, MHD_Connection* connection, const char* url,
                          const char* method, const char* /*version*/, const char* upload,
                          std::size_t* upload_size, void** per_request) {
    if (*per_request == nullptr) {
      *per_request = std::make_unique<ApiRequest>().release();  // freed in `completed`
      return MHD_YES;
    }
    auto& request = *static_cast<ApiRequest*>(*per_request);
    if (*upload_size > 0) {
      if (request.body.size() + *upload_size > largest_body) return MHD_NO;
      request.body.append(upload, *upload_size);
      *upload_size = 0;
      return MHD_YES;
    }
    request.method = method;
    request.path = url;
    request.user = user_of(connection);
    request.gone = look_at(connection);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_to_query, &request.query);
    auto& server = *static_cast<Implementation*>(self);
    const ApiResponse response = server.answer(request);
    if (response.stream) return server.begin_stream(connection, response);
    return send(connection, response);
  }

  static void completed(void* /*self*/, MHD_Connection* /*connection*/, void** per_request,
                        MHD_RequestTerminationCode /*how*/) {
    const std::unique_ptr<ApiRequest> request{static_cast<ApiRequest*>(*per_request)};
    *per_request = nullptr;
  }
};

HttpServer::HttpServer(const std::filesystem::path& socket, ApiHandler handler)
    : self_{std::make_unique<Implementation>()} {
  self_->socket = socket;
  self_->handler = std::move(handler);
  self_->start(listen_on(socket), socket.string());
}

HttpServer::HttpServer(std::uint16_t loopback_port, ApiHandler handler)
    : self_{std::make_unique<Implementation>()} {
  self_->handler = std::move(handler);
  self_->start(listen_on_loopback(loopback_port), fmt::format("port {}", loopback_port));
}

std::uint16_t HttpServer::port() const {
  const MHD_DaemonInfo* info = MHD_get_daemon_info(self_->daemon, MHD_DAEMON_INFO_LISTEN_FD);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (info == nullptr ||
      ::getsockname(info->listen_fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      address.sin_family != AF_INET) {
    return 0;
  }
  return ntohs(address.sin_port);
}

HttpServer::~HttpServer() {
  self_->close_streams();
  MHD_stop_daemon(self_->daemon);  // closes the listening socket too
  if (!self_->socket.empty()) ::unlink(self_->socket.c_str());
}

}  // namespace tapd
