#include "tests/central/http_server.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/central/fields.hpp"
#include "tests/central/reply.hpp"
#include "tests/central/test_controls.hpp"
#include "tests/central/wall_clock.hpp"

namespace tapd::central {
namespace {

using namespace std::chrono_literals;
using httplib::Request;
using httplib::Response;

constexpr std::size_t largest_body = 4U << 20U;
/// The existing server hangs up on idle connections after this time, so ours does.
constexpr std::time_t idle_seconds = 5;
constexpr std::size_t requests_per_connection = 10'000;

/// Takes the same time for every wrong token of one length.
bool equal_secrets(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned differences = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences |=
        static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  }
  return differences == 0;
}

Reply reply_for(const DatabaseError& error) {
  // Without a connection nobody knows what was committed: the sender must come back and ask.
  if (error.connection_lost()) return plain_error(503, error.what());
  return plain_error(error.is_about_the_values() ? 422 : 500, error.what());
}

Reply reply_of(const std::function<Reply()>& work) {
  try {
    return work();
  } catch (const DatabaseError& error) {
    return reply_for(error);
  } catch (const std::exception& error) {
    return plain_error(500, error.what());
  }
}

void send(const Reply& reply, Response& response) {
  response.status = reply.status;
  if (!reply.etag.empty()) response.set_header("ETag", reply.etag);
  if (!reply.body.empty()) response.set_content(reply.body, "application/json");
}

/// Half of the answer, and then the end of the connection.
void send_half(const Reply& reply, Response& response) {
  response.status = reply.status;
  const std::string half = reply.body.substr(0, reply.body.size() / 2);
  response.set_content_provider(
      std::max<std::size_t>(reply.body.size(), 1), "application/json",
      [half, sent = false](std::size_t, std::size_t, httplib::DataSink& sink) mutable {
        if (!std::exchange(sent, true) && !half.empty()) sink.write(half.data(), half.size());
        return false;
      });
}

/// The answer, and behind it the same answer again, which nobody asked for.
void send_twice(const Reply& reply, Response& response) {
  response.status = reply.status;
  const std::string again = fmt::format(
      "{}HTTP/1.1 {} OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      reply.body, reply.status, reply.body.size(), reply.body);
  response.set_content_provider(reply.body.size(), "application/json",
                                [again](std::size_t, std::size_t, httplib::DataSink& sink) {
                                  return sink.write(again.data(), again.size());
                                });
}

/// Does what the habit says in place of working and answering.
void misbehave(const Misbehaviour& habit, const std::function<Reply()>& work, Misbehaviours& habits,
               Response& response) {
  using Kind = Misbehaviour::Kind;
  switch (habit.kind) {
    case Kind::slow: {
      const Reply reply = reply_of(work);
      habits.pause(std::chrono::milliseconds{habit.value});
      return send(reply, response);
    }
    case Kind::cut:
      return send_half(reply_of(work), response);
    case Kind::late:
      (void)reply_of(work);
      return send(plain_error(habit.value, "late"), response);
    case Kind::status:
      return send(plain_error(habit.value, "misbehaving"), response);
    case Kind::garbage: {
      (void)reply_of(work);
      const std::string bytes{"\x7b\xff\x00\x22results\x01", 12};
      response.set_content(bytes, "application/json");
      return;
    }
    case Kind::portal:
      response.set_content("<html><body>Please log in</body></html>", "text/html");
      return;
    case Kind::duplicate: {
      const Reply reply = reply_of(work);
      if (reply.body.empty()) return send(reply, response);
      return send_twice(reply, response);
    }
  }
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, std::bit_cast<sockaddr*>(&address), &size) != 0) return 0;
  return address.sin_family == AF_INET ? ntohs(address.sin_port) : 0;
}

/// A worker waits on an idle connection until it times out, and the HTTP library does not tell
/// which sockets are its own: those of this process whose local port is ours. Only reading is
/// shut down, so that an answer under way still goes out.
void hang_up(int port) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const std::string name = entry.path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (port_of(fd) == port) ::shutdown(fd, SHUT_RD);
  }
}

}  // namespace

/// The library's server, its routes and the thread that accepts.
class HttpServer::Listener {
 public:
  Listener(Venue& venue, ConnectionPool& pool, HttpOptions options)
      : venue_{venue}, pool_{pool}, options_{std::move(options)} {
    configure();
    habits_.replace(options_.misbehaviours);
    add_contract_routes();
    if (options_.test_controls) add_test_routes();
    start();
  }

  ~Listener() { stop(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] int port() const { return port_; }

  void stop() {
    if (!thread_.joinable()) return;
    habits_.end();
    server_.stop();
    hang_up(port_);
    thread_.join();
  }

 private:
  using Work = std::function<Reply(const Request&)>;
  using Change = std::function<Reply(Connection&, const Request&)>;

  void configure() {
    const auto workers = static_cast<std::size_t>(options_.workers);
    // The library takes the queue over and deletes it.
    server_.new_task_queue = [workers] {
      return std::make_unique<httplib::ThreadPool>(workers).release();
    };
    server_.set_keep_alive_timeout(idle_seconds);
    server_.set_keep_alive_max_count(requests_per_connection);
    server_.set_payload_max_length(largest_body);
    server_.set_tcp_nodelay(true);
    // The library's own choice lets two servers share a port without a word.
    server_.set_socket_options([](auto socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_.set_post_routing_handler(
        [](const Request&, Response& response) { response.set_header("Date", http_date_now()); });
    server_.set_error_handler([](const Request&, Response& response) {
      if (!response.body.empty()) return;
      const int status = response.status;
      send(plain_error(status, status == 404 ? "Not Found" : "The request was not understood"),
           response);
    });
    if (options_.verbose) {
      server_.set_logger([](const Request& request, const Response& response) {
        fmt::print(stderr, "{} {} {} {} bytes\n", request.method, request.path, response.status,
                   response.body.size());
      });
    }
  }

  /// The token is checked after the body was read: an answer before that would leave the body in
  /// the connection, to be taken for the next request.
  httplib::Server::Handler guarded(Work work) {
    return [this, work = std::move(work)](const Request& request, Response& response) {
      if (!equal_secrets(request.get_header_value("X-Internal-Token"), options_.token)) {
        send(plain_error(401, "X-Internal-Token is missing or wrong"), response);
        return;
      }
      send(reply_of([&] { return work(request); }), response);
    };
  }

  /// One of the contract's paths, which may misbehave.
  httplib::Server::Handler contract(Work work) {
    const auto right = guarded(work);
    return [this, right, work = std::move(work)](const Request& request, Response& response) {
      const auto habit = habits_.next();
      if (!habit) return right(request, response);
      misbehave(*habit, [&] { return work(request); }, habits_, response);
    };
  }

  httplib::Server::Handler control(Change change) {
    return guarded([this, change = std::move(change)](const Request& request) {
      const auto connection = pool_.acquire();
      return change(*connection, request);
    });
  }

  /// {"modes": ["cut@30", ...]}; an empty list: it behaves.
  Reply set_misbehaviour(const std::string& body) {
    const auto parsed = parse_body(body);
    const auto modes =
        parsed && parsed->is_object() ? parsed->value("modes", nlohmann::json{}) : nlohmann::json{};
    if (!modes.is_array()) return unprocessable({{"modes", "must be a list of texts"}});
    std::vector<Misbehaviour> habits;
    for (const auto& mode : modes) {
      if (!mode.is_string()) return unprocessable({{"modes", "must be a list of texts"}});
      try {
        habits.push_back(parse_misbehaviour(mode.get<std::string>()));
      } catch (const std::exception& error) {
        return unprocessable({{"modes", error.what()}});
      }
    }
    habits_.replace(std::move(habits));
    return json_reply(200, {{"modes", modes}});
  }

  void add_contract_routes() {
    server_.Post("/api/visits/authorize-pour", contract([this](const Request& request) {
                   return venue_.authorize_pour(request.body);
                 }));
    server_.Post("/api/sync/pours", contract([this](const Request& request) {
                   return venue_.sync_pours(request.body);
                 }));
    server_.Post("/api/controllers/register", contract([this](const Request& request) {
                   return venue_.register_controller(request.body);
                 }));
    server_.Post("/api/controllers/flow-events", contract([this](const Request& request) {
                   return venue_.record_flow_event(request.body);
                 }));
    server_.Get("/api/controllers/([^/]+)/snapshot", contract([this](const Request& request) {
                  return venue_.snapshot(
                      request.matches[1],
                      {.if_none_match = request.get_header_value("If-None-Match"),
                       .since = request.get_param_value("since")});
                }));
    server_.Get("/api/system/status", [this](const Request&, Response& response) {
      const auto work = [this] { return venue_.system_status(); };
      const auto habit = habits_.next();
      if (habit) return misbehave(*habit, work, habits_, response);
      send(reply_of(work), response);
    });
  }

  void add_test_routes() {
    using C = Connection;
    using R = Request;
    server_.Post("/test/emergency-stop",
                 control([](C& c, const R& r) { return set_emergency_stop(c, r.body); }));
    server_.Post("/test/taps/([0-9]+)",
                 control([](C& c, const R& r) { return set_tap(c, r.matches[1], r.body); }));
    server_.Post("/test/guests/([^/]+)/top-up",
                 control([](C& c, const R& r) { return top_up_guest(c, r.matches[1], r.body); }));
    server_.Post("/test/guests/([^/]+)/active", control([](C& c, const R& r) {
                   return set_guest_active(c, r.matches[1], r.body);
                 }));
    server_.Post("/test/cards/([^/]+)",
                 control([](C& c, const R& r) { return set_card(c, r.matches[1], r.body); }));
    server_.Post("/test/misbehave",
                 guarded([this](const Request& r) { return set_misbehaviour(r.body); }));
    server_.Get("/test/totals", control([](C& c, const R&) { return totals(c); }));
    server_.Get("/test/pours", control([](C& c, const R&) { return list_pours(c); }));
    server_.Get("/test/audit", control([](C& c, const R&) { return list_audit(c); }));
  }

  void start() {
    port_ = options_.port;
    if (port_ == 0) {
      port_ = server_.bind_to_any_port(options_.address);
    } else if (!server_.bind_to_port(options_.address, port_)) {
      port_ = -1;
    }
    if (port_ <= 0) {
      throw std::runtime_error(fmt::format("cannot listen on {}:{}, is the port taken?",
                                           options_.address, options_.port));
    }
    thread_ = std::thread{[this] {
      server_.listen_after_bind();
      ended_ = true;
    }};
    // One of the two comes about as soon as the thread runs.
    while (!server_.is_running() && !ended_) std::this_thread::sleep_for(1ms);
    if (!ended_) return;
    thread_.join();
    throw std::runtime_error(fmt::format("cannot serve on {}:{}", options_.address, port_));
  }

  Venue& venue_;
  ConnectionPool& pool_;
  HttpOptions options_;
  Misbehaviours habits_;
  httplib::Server server_;
  std::thread thread_;
  std::atomic<bool> ended_{false};
  int port_{0};
};

HttpServer::HttpServer(Venue& venue, ConnectionPool& pool, const HttpOptions& options)
    : listener_{std::make_unique<Listener>(venue, pool, options)} {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const {
  return listener_->port();
}

void HttpServer::stop() {
  listener_->stop();
}

}  // namespace tapd::central
