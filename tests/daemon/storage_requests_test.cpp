// What the storage does with a request, on a real ledger in memory.
#include "daemon/storage_requests.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/crash/crash_disk.hpp"
#include "tests/storage/faulty_disk.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {
namespace {

const model::BootId boot{"boot"};
const model::GuestId ann{"00000000-0000-4000-8000-000000000001"};
const model::CardUid anns_card = *model::CardUid::parse("04ab7815cd6b80");

/// A ledger that has heard of Ann and her balance.
struct HeardOfAnn {
  explicit HeardOfAnn(model::Money balance = model::Money{10'000}) {
    REQUIRE(ledger.hear_balance({anns_card, ann, "Ann", balance, *ledger.ask_marker(), {}}, boot));
  }
  /// Asks for a pour that the cache allowed, with a hold of 6.00, while 10.00 are the limit.
  std::string begin(std::int32_t tap, model::Money per_guest, model::Money controller) {
    model::PourBegin begin;
    begin.client_tx_id = model::ClientTxId::from_random({static_cast<std::uint8_t>(tap), 1, 2, 3});
    begin.guest_id = ann;
    begin.card_uid = anns_card;
    begin.tap_id = model::TapId{tap};
    begin.price = model::LitrePrice{600};
    begin.authorized_by = model::AuthorizedBy::cache;
    begin.hold = model::Money{600};
    const BeginRow row{
        .begin = begin,
        .offline = {.per_guest = per_guest, .pours_per_guest = 10, .controller = controller},
        .overdraft = overdraft};
    const StorageAnswer answer = carry_out(ledger, boot, row);
    const Begun& begun = std::get<BeginRowDone>(answer).result;
    REQUIRE(begun);
    // Nobody's disk is at fault.
    if (*begun) CHECK_FALSE(was_written(answer));
    return *begun ? std::string{to_text((*begun)->reason)} : "begun";
  }

  model::Money overdraft;

  crash::CrashDisk disk{{{crash::ledger_name, {}}}};
  storage::Ledger ledger{{.file = crash::ledger_name, .vfs = disk.name(), .boot = boot}};
};

// Found by the simulator: two taps had decided before either had written, and one card's twin
// poured the guest's limit twice.
TEST_CASE("the offline limits hold for two taps that decide at the same moment", "[storage]") {
  const model::Money enough{100'000};
  HeardOfAnn guest;
  CHECK(guest.begin(1, model::Money{1'000}, enough) == "begun");
  CHECK(guest.begin(2, model::Money{1'000}, enough) == "offline_guest_limit");
  HeardOfAnn controller;
  CHECK(controller.begin(1, enough, model::Money{1'000}) == "begun");
  CHECK(controller.begin(2, enough, model::Money{1'000}) == "offline_exposure");
  HeardOfAnn both;
  CHECK(both.begin(1, model::Money{1'200}, model::Money{1'200}) == "begun");
  CHECK(both.begin(2, model::Money{1'200}, model::Money{1'200}) == "begun");
}

// Found by a planted fault that nothing else noticed.
TEST_CASE("one balance is not spent by two taps that decide at the same moment", "[storage]") {
  const model::Money enough{100'000};
  HeardOfAnn too_little{model::Money{1'199}};
  CHECK(too_little.begin(1, enough, enough) == "begun");
  CHECK(too_little.begin(2, enough, enough) == "insufficient_funds");
  HeardOfAnn both{model::Money{1'200}};
  CHECK(both.begin(1, enough, enough) == "begun");
  CHECK(both.begin(2, enough, enough) == "begun");
}

TEST_CASE("an overdraft is not spent by two taps that decide at the same moment either",
          "[storage]") {
  const model::Money enough{100'000};
  HeardOfAnn guest{model::Money{100}};
  guest.overdraft = model::Money{1'099};
  CHECK(guest.begin(1, enough, enough) == "begun");
  CHECK(guest.begin(2, enough, enough) == "insufficient_funds");
  guest.overdraft = model::Money{1'100};
  CHECK(guest.begin(2, enough, enough) == "begun");
  CHECK(guest.ledger.facts(anns_card, model::TapId{1})->available == model::Money{-1'100});
}

/// One of each kind, at tap 2. The details of the act want pages that the file does not have yet.
std::vector<StorageRequest> one_of_each() {
  const model::TapId tap{2};
  const model::ClientTxId pour = model::ClientTxId::from_random({7});
  BeginRow begin;
  begin.begin.client_tx_id = pour;
  begin.begin.tap_id = tap;
  ProgressRow progress{.tap = tap, .progress = {}};
  EndRow end{.tap = tap, .end = {}, .close_time = {}};
  progress.progress.client_tx_id = end.end.last.client_tx_id = pour;
  model::FlowEvent event;
  event.event_id = "leak";
  const std::string details(50'000, 'x');
  return {
      begin,
      progress,
      end,
      ReadFacts{.ticket = 7, .card = anns_card, .tap = tap},
      ReadWorld{},
      WriteFlowEvent{event},
      NoteAct{.tap = tap, .card = anns_card, .act = ServiceAct::stop, .detail = details, .at = {}},
      NoteClock{},
      KeepClosings{.tap = tap, .closings = "silent"}};
}

/// Failed, and to the question that was asked.
void check_failed(const std::vector<StorageAnswer>& answers) {
  const std::vector<StorageRequest> asked = one_of_each();
  REQUIRE(answers.size() == asked.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    CHECK(answers[i].index() == asked[i].index());
    CHECK_FALSE(std::visit([](const auto& done) { return done.result.has_value(); }, answers[i]));
  }
  const model::TapId tap{2};
  const model::ClientTxId pour = model::ClientTxId::from_random({7});
  CHECK(std::get<BeginRowDone>(answers[0]).tap == tap);
  CHECK(std::get<BeginRowDone>(answers[0]).client_tx_id == pour);
  CHECK(std::get<ProgressRowDone>(answers[1]).tap == tap);
  CHECK(std::get<EndRowDone>(answers[2]).client_tx_id == pour);
  CHECK(std::get<FactsRead>(answers[3]).ticket == 7);
  CHECK(std::get<FlowEventDone>(answers[5]).event.event_id == "leak");
  CHECK(std::get<ActNoted>(answers[6]).card == anns_card);
  CHECK(std::get<ClosingsKept>(answers[8]).closings == "silent");
}

// Found by reading: nobody was answered, the taps waited for ever and denied every guest.
TEST_CASE("when not even a commit can be begun, each request is told that it failed", "[storage]") {
  FaultyDisk disk;
  const TempDir folder;
  storage::Ledger ledger{{.file = folder / "tap.db", .vfs = disk.name(), .boot = boot}};
  const std::vector<StorageRequest> requests = one_of_each();
  std::size_t not_begun = 0;
  bool reached = true;
  for (std::size_t nth = 1; reached; ++nth) {
    CAPTURE(nth);
    // SQLite forgets what it had read when it cannot even take a transaction back.
    disk.fail(1, SQLITE_IOERR_WRITE, true);
    disk.fail_read(nth);
    check_failed(carry_out_together(ledger, boot, requests));
    reached = disk.is_read_fault_over();
    disk.heal();
    disk.fail_read(1);
    bool begun = false;
    static_cast<void>(ledger.in_one_commit([&begun]() -> storage::Result<> {
      begun = true;
      return {};
    }));
    if (!begun) {
      ++not_begun;
      disk.fail_read(1);
      check_failed(carry_out_together(ledger, boot, requests));
    }
    disk.fail_read(0);
    REQUIRE(ledger.set_meta("it works", "again"));
  }
  CHECK(not_begun > 0);
}

}  // namespace
}  // namespace tapd::test
