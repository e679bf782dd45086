#include "daemon/http_server.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace tapd {
namespace {

constexpr std::size_t largest_body = 64 * 1024;
constexpr unsigned most_connections = 32;
constexpr unsigned idle_seconds = 10;

sockaddr_un address_of(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket.string();
  if (path.size() >= sizeof address.sun_path) {
    throw std::runtime_error{fmt::format("{}: the path is too long for a socket", path)};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
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
        "{}: another tapd listens there: stop it first, or name another controller.socket",
        socket.string())};
  }
  ::unlink(address.sun_path);
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
  std::filesystem::path socket;
  ApiHandler handler;
  MHD_Daemon* daemon{nullptr};

  void start(int listening, const std::string& name) {
    daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC, 0, nullptr, nullptr, &Implementation::serve,
        this, MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_CONNECTION_LIMIT, most_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_NOTIFY_COMPLETED,
        &Implementation::completed, this, MHD_OPTION_END);
    if (daemon != nullptr) return;
    ::close(listening);
    throw std::runtime_error{name + ": its server could not be started"};
  }

  ApiResponse answer(const ApiRequest& request) const {
    try {
      return handler(request);
    } catch (const std::exception& error) {
      return {.status = 500, .body = fmt::format("{{\"error\":\"{}\"}}", error.what())};
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
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_to_query, &request.query);
    return send(connection, static_cast<Implementation*>(self)->answer(request));
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
  MHD_stop_daemon(self_->daemon);  // closes the listening socket too
  if (!self_->socket.empty()) ::unlink(self_->socket.c_str());
}

}  // namespace tapd
