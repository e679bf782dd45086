#include "daemon/tapctl_books.hpp"

#include <cstdio>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/tapctl_talk.hpp"

#include "storage/chain_walk.hpp"

namespace tapd {
namespace {

using nlohmann::json;

int say_walk(const json& walk, bool as_json) {
  const bool broken = walk.contains("broken");
  if (as_json) {
    fmt::print("{}\n", walk.dump(2));
  } else if (broken) {
    const json& link = walk.at("broken");
    fmt::print("BROKEN at pour {} ({}): {}\n{} pours before it are good\n",
               link.at("chain_no").get<std::int64_t>(), link.at("client_tx_id").get<std::string>(),
               link.at("what").get<std::string>(), walk.at("rows").get<std::int64_t>());
  } else {
    fmt::print("the chain is whole: {} pours, the last is number {}; {} declared gaps\n",
               walk.at("rows").get<std::int64_t>(), walk.at("last").get<std::int64_t>(),
               walk.at("gaps").get<std::int64_t>());
  }
  return broken ? exit_refused : 0;
}

int verify_running(const ApiClient& client, bool as_json) {
  std::string query;
  json walk{{"rows", 0}, {"gaps", 0}, {"last", 0}};
  for (;;) {
    const auto part = body_of(client.get("/verify" + query));
    if (!part) return part.error();
    for (const char* sum : {"rows", "gaps"}) {
      walk[sum] = walk[sum].get<std::int64_t>() + part->at(sum).get<std::int64_t>();
    }
    walk["last"] = part->at("after");
    if (part->contains("broken")) walk["broken"] = part->at("broken");
    if (part->at("at_end").get<bool>() || part->contains("broken")) return say_walk(walk, as_json);
    query = fmt::format("?after={}&hash={}", part->at("after").get<std::int64_t>(),
                        part->at("hash").get<std::string>());
  }
}

int verify_offline(const std::string& file, bool as_json) {
  const auto slice = storage::verify_file(file);
  if (!slice) return refuse(slice.error().message);
  json walk{{"rows", slice->rows}, {"gaps", slice->gaps}, {"last", slice->reached.chain_no}};
  if (slice->broken) {
    walk["broken"] = {{"chain_no", slice->broken->chain_no},
                      {"client_tx_id", slice->broken->client_tx_id},
                      {"what", slice->broken->what}};
  }
  return say_walk(walk, as_json);
}

int show_owed(const ApiClient& client, bool as_json) {
  const auto owed = body_of(client.get("/owed"));
  if (!owed) return owed.error();
  if (as_json) {
    fmt::print("{}\n", owed->dump(2));
    return 0;
  }
  fmt::print("{} pours for {} are not confirmed by the server ({} wait, {} failed)",
             owed->at("rows").get<std::int64_t>(), money(owed->at("owed_cents")),
             owed->at("waiting").get<std::int64_t>(), owed->at("failed").get<std::int64_t>());
  if (owed->contains("oldest")) {
    fmt::print(", the oldest that waits is from {} ({} s ago)",
               owed->at("oldest").get<std::string>(), owed->at("oldest_age_s").get<std::int64_t>());
  }
  fmt::print(
      "\nif the network died now: {} more on open pours, {} more on cached balances\n"
      "at stake at worst: {}\n",
      money(owed->at("held_cents")), money(owed->at("spendable_cents")),
      money(owed->at("worst_case_cents")));
  return 0;
}

/// Asks for a backup and waits for its end.
int back_up(const ApiClient& client, const std::string& file, bool as_json) {
  const std::string path = file.empty() ? file : std::filesystem::absolute(file).string();
  const auto begun = body_of(client.post("/backup", path));
  if (!begun) return begun.error();
  const std::string asked = begun->value("file", path);
  for (;;) {
    const auto state = body_of(client.get("/backup"));
    if (!state) return state.error();
    const auto stage = state->at("stage").get<std::string>();
    if (stage == "failed") return refuse(state->at("why").get<std::string>());
    if (stage == "done" && state->at("file").get<std::string>() == asked) {
      fmt::print("{}\n", as_json ? state->dump(2) : "written and checked: " + asked);
      return exit_done;
    }
    // A reload gives up what is under way, and who keeps the books then knows nothing of it.
    if (stage != "under_way") {
      return refuse(asked + " was not written: tapd was reloaded or started again; ask again");
    }
    constexpr int between_looks = 100;
    wait_ms(between_looks);
  }
}

}  // namespace

BooksCommands::BooksCommands(CLI::App& app)
    : verify_{app.add_subcommand("verify",
                                 "walk the chain of pours and name the first broken row")},
      owed_{app.add_subcommand("owed", "what the server has not confirmed, and what is at stake")},
      backup_{app.add_subcommand("backup", "write a checked copy of the ledger now")} {
  backup_->add_option("path", *backup_file_, "where to, instead of the usual place");
  verify_->add_option("--file", *file_, "a ledger's file that no tapd has open");
}

std::optional<int> BooksCommands::run(const ApiClient& client, bool as_json) const {
  if (verify_->parsed()) {
    return file_->empty() ? verify_running(client, as_json) : verify_offline(*file_, as_json);
  }
  if (backup_->parsed()) return back_up(client, *backup_file_, as_json);
  if (owed_->parsed()) return show_owed(client, as_json);
  return std::nullopt;
}

}  // namespace tapd
