// The ledger: the one owner of the SQLite file and of its one and only connection (SQLite before
// 3.51.3 can corrupt a WAL database that two connections write; reliability notes, section 2).
// Every call comes from one thread, blocks until SQLite has answered, and is durable when the
// enclosing transaction has returned. The constructor throws; later calls answer with values, and a
// failed call has changed nothing; the next one works again as soon as its cause has gone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/model/records.hpp"

#include <tl/expected.hpp>

namespace tapd::storage {

/// What went wrong in SQLite or in a request, in words for the journal.
struct Error {
  enum class Kind : std::uint8_t { refused, io, full, corrupt };
  Kind kind{Kind::io};
  std::string message;  ///< Names the file or the row, and what to do.
};
template<typename T = void>
using Result = tl::expected<T, Error>;

/// The file cannot be opened. It was left as it was; `kind` tells a damaged file (`corrupt`: set it
/// aside, restore a backup) from one that is not ours or too new (`refused`) and from a medium that
/// fails (`io`, `full`).
class OpenError : public std::runtime_error {
 public:
  OpenError(Error::Kind kind, const std::string& message)
      : std::runtime_error{message}, kind_{kind} {}
  [[nodiscard]] Error::Kind kind() const { return kind_; }

 private:
  Error::Kind kind_;
};

/// Where the file is and how it is opened.
struct LedgerOptions {
  std::filesystem::path file;      ///< Created (mode 0600) when it does not exist; its folder must.
  std::optional<std::string> vfs;  ///< A registered SQLite VFS by name (tests cut the power there).
  /// The boot that is running: rows set aside until later (`next_attempt_at`) in another boot are
  /// due at once. Empty: every start makes them due.
  model::BootId boot;
  /// How much a torn write may spoil on the medium, in bytes: 16,384 (SD cards, and safe anywhere)
  /// or 4,096 (40 % less wear).
  int medium_blocks{16'384};
  /// Is told in words for people, before it is begun, of work that makes the opening long.
  std::function<void(const std::string&)> tell{};
};

/// A counter that orders what the server told us against what we asked (see `ask_marker`).
using Marker = std::int64_t;

using model::AuthorizationFacts;
using PourList = std::vector<model::Pour>;

/// What a pour counts as under the serving limits.
struct ServingNote {
  model::ClientTxId client_tx_id;
  std::string category;
  model::Volume limit;
  std::optional<model::CardUid> lifted_by;  ///< The service card that lifted the limits for it.
};

/// A balance that came with an online authorization.
struct HeardBalance {
  model::CardUid card_uid;
  model::GuestId guest_id;
  std::string first_name;
  model::Money balance;
  Marker asked{0};  ///< `ask_marker()` from before the request was sent.
  model::Moment at;
};

/// The server's verdict on one row (wire contract, section 2), already translated by sync.
struct Verdict {
  enum class Kind : std::uint8_t {
    confirmed,      ///< Booked, or final with nothing owed: never sent again.
    spend_attempt,  ///< Not now: one attempt spent; `failed` when `attempt_cap` is reached.
    final_failure,  ///< Recorded, not charged: `failed` at once, never sent again by itself.
    not_judged,     ///< The server said nothing about the row: it stays `sent`, no attempt spent.
  };
  model::ClientTxId client_tx_id;
  Kind kind{Kind::not_judged};
  std::string outcome;  ///< Kept in `server_outcome`.
  std::string reason;   ///< Kept in `last_error`.
};

/// Which of the rows that are due.
enum class DueRows : std::uint8_t {
  all,
  ready,      ///< Those with a live authorization of the server behind them, or without volume.
  to_settle,  ///< Offline pours, and those that staff send again: some servers charge them with an
              ///< authorization of their own only.
};

/// A flow event that the server does not have yet.
struct WaitingFlowEvent {
  std::int64_t row{0};  ///< Names it in a verdict.
  std::int32_t attempts{0};
  model::FlowEvent event;  ///< Without its time, which is not sent.
};

/// What became of a flow event. Events that the server turns down are kept as `failed` at the cap.
struct FlowVerdict {
  enum class Kind : std::uint8_t {
    sent,
    confirmed,
    spend_attempt,
    set_aside,  ///< For a time, and at no cost: it may not be at fault.
  };
  std::int64_t row{0};
  Kind kind{Kind::sent};
  std::string reason{};
};

/// How a card and a tap stand.
struct CardStanding {
  bool in_session{false};           ///< A pour with this card or on this tap is open.
  bool unsent{false};               ///< A row that the server authorized waits for this card.
  bool unsent_here{false};          ///< One that was poured on this tap.
  model::SinceBoot unsent_began{};  ///< The newest of them; before this boot: its start.
  bool began_since{false};  ///< A pour with this card on this tap began since the moment asked for.
  bool in_doubt{false};     ///< A row to settle of this card was sent, and had no verdict.
};

/// What a run before this one may have left at the server.
struct LeftBehind {
  bool sent{false};  ///< Rows whose answer nobody heard: the server may be at work on them yet.
  struct Lock {
    model::CardUid card;
    model::TapId tap;
    friend bool operator==(const Lock&, const Lock&) = default;
  };
  using Locks = std::vector<Lock>;
  Locks locks;                ///< Of rows that are not sent any more, the newest first.
  Locks noted;                ///< See note_locks.
  bool had_snapshots{false};  ///< A server with snapshots was heard, however long ago.
};

/// How the queue stands.
struct QueueCounts {
  std::int64_t open{0};
  std::int64_t waiting{0};  ///< new and sent.
  std::int64_t failed{0};
  std::int64_t confirmed{0};
  model::Money held;  ///< The most that the open pours may still come to.
  model::Money owed;  ///< Price of all that the server has not confirmed and is not `open`.
  std::optional<model::Moment> oldest_waiting;
};

/// How far a walk along the chain of pours has come; the default is before the first pour.
struct ChainPosition {
  std::int64_t chain_no{0};
  std::string hash;
};
/// The first row at which the chain does not hold.
struct BrokenLink {
  std::int64_t chain_no{0};
  std::string client_tx_id;
  std::string what;  ///< In words for people.
};
/// What a part of the walk found.
struct ChainSlice {
  ChainPosition reached;
  std::int64_t rows{0};  ///< Good ones.
  std::int64_t gaps{0};  ///< Declared ones: removed after their time, or lost in a damage.
  bool at_end{false};
  std::optional<BrokenLink> broken;  ///< The walk has ended there.
};

/// What one batch of forgetting did.
struct Forgotten {
  std::int64_t pours{0};
  std::int64_t reached{0};  ///< Row of the chain up to which it has looked.
  bool more{false};         ///< There may be more beyond.
};

/// A pour found open at start and finished from its last progress.
struct RecoveredPour {
  model::Pour pour;
};

class Ledger {
 public:
  /// Opens or creates the file, sets and reads back every pragma, checks it, migrates it. Throws
  /// OpenError naming the file, what is wrong and what to do.
  explicit Ledger(const LedgerOptions& options);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  Ledger(Ledger&&) = delete;
  Ledger& operator=(Ledger&&) = delete;

  /// Runs `work` in one transaction and commits it durably; rolls back when `work` answers an error
  /// or the commit fails. Calls below made inside share that commit (group commit); made outside,
  /// each is its own transaction. A call inside that fails is undone alone: `work` decides whether
  /// the others count. It may be nested. Exceptions of `work` pass after the roll back.
  [[nodiscard]] Result<> in_one_commit(const std::function<Result<>()>& work);

  // --- pours -------------------------------------------------------------------------------------
  /// Writes the `open` row. The valve may open only after this is durable.
  [[nodiscard]] Result<> begin_pour(const model::PourBegin& begin, const model::BootId& boot);
  /// Counts an open pour under the serving limits; to be made in the same commit as its beginning.
  [[nodiscard]] Result<> note_serving(const ServingNote& note);
  /// Replaces the progress of an open pour. Refused when it is not open or would go backwards.
  [[nodiscard]] Result<> record_progress(const model::PourProgress& progress);
  /// Closes the row: `open` becomes `new` and can never change again but for its queue columns.
  /// A pour of zero volume is closed too, priced zero: its lock at the server must be released.
  [[nodiscard]] Result<model::Pour> end_pour(const model::PourEnd& end);
  /// Finishes every pour still open (from a power cut or a kill) with its last progress and
  /// `StopReason::power_loss`; one that never progressed ends with no volume and no price. Each is
  /// noted in the audit log, dated `now`. Call once, before the first session.
  [[nodiscard]] Result<std::vector<RecoveredPour>> finish_open_pours(const model::Moment& now);
  /// Finished pours, newest first; for people. `before`: only those older than the row of this id.
  [[nodiscard]] Result<PourList> newest_pours(std::size_t most,
                                              const std::string& before = {}) const;

  // --- the queue ---------------------------------------------------------------------------------
  /// The oldest rows that are due (`new`, or `sent` without an answer), at most `most`. Rows set
  /// aside until later (`next_attempt_at`) are skipped.
  [[nodiscard]] Result<PourList> due_pours(std::size_t most, const model::Moment& now,
                                           DueRows which = DueRows::all) const;
  /// new -> sent; a row sent before is sent again. Refused for rows in any other state.
  [[nodiscard]] Result<> mark_sent(const std::vector<model::ClientTxId>& rows,
                                   const model::Moment& now);
  /// Applies the verdicts of one answer in one commit. `attempt_cap`: see Verdict::Kind. Rows whose
  /// attempt was spent wait until `retry_at`. A verdict on a confirmed row changes nothing; one on
  /// a failed row counts only when it says `confirmed`. Refused for open and unknown rows.
  [[nodiscard]] Result<> apply_verdicts(const std::vector<Verdict>& verdicts,
                                        std::int32_t attempt_cap, const model::Moment& now,
                                        const model::Moment& retry_at);
  /// failed -> new, with all its attempts before it; noted in the audit log.
  [[nodiscard]] Result<> send_again(const model::ClientTxId& row, const std::string& who,
                                    const model::Moment& at);
  /// Finished pours that the server has not confirmed (`new`, `sent`, `failed`), oldest first; for
  /// people. `after`: only those younger than the row of this id.
  [[nodiscard]] Result<PourList> unconfirmed_pours(std::size_t most,
                                                   const std::string& after = {}) const;
  [[nodiscard]] Result<QueueCounts> queue_counts() const;
  /// `since`: of this boot, for `began_since`.
  [[nodiscard]] Result<CardStanding> card_standing(const model::CardUid& card, model::TapId tap,
                                                   model::SinceBoot since,
                                                   const model::BootId& boot) const;
  /// To be asked at a start; at most so many locks.
  [[nodiscard]] Result<LeftBehind> left_behind(std::size_t most) const;
  /// Keeps these locks for the next run, instead of those that were kept before.
  [[nodiscard]] Result<> note_locks(const LeftBehind::Locks& locks);

  // --- what the server told ----------------------------------------------------------------------
  /// To be taken before a request that will bring a balance is sent: a pour is contained in that
  /// balance only if its verdict was applied before this marker (architecture, "What the cached
  /// balance is").
  [[nodiscard]] Result<Marker> ask_marker() const;
  /// Replaces the cache; writes only what differs, and nothing for an idle snapshot. One that was
  /// asked for before the newest is ignored, and what was heard in answer to a later question
  /// stays.
  [[nodiscard]] Result<> apply_snapshot(const model::Snapshot& snapshot, Marker asked,
                                        const model::Moment& heard_at, const model::BootId& boot);
  /// Makes the cache what the whole snapshot of the later revision would make it. Refused, with
  /// nothing changed, unless the last thing applied since the file was opened was a snapshot, or
  /// changes, of the revision that these start from: the whole is to be asked for then.
  [[nodiscard]] Result<> apply_changes(const model::SnapshotChanges& changes, Marker asked,
                                       const model::Moment& heard_at, const model::BootId& boot);
  /// The server says that the last snapshot still holds (304): its balances are as fresh as
  /// `heard_at`. Refused when there never was one.
  [[nodiscard]] Result<> snapshot_unchanged(Marker asked, const model::Moment& heard_at,
                                            const model::BootId& boot);
  /// Learns the guest, the balance and that the card is active. An older balance (smaller `asked`)
  /// never replaces a newer one.
  [[nodiscard]] Result<> hear_balance(const HeardBalance& heard, const model::BootId& boot);
  /// A refusal (lost, inactive) heard online is kept, so that it holds offline too: until a
  /// snapshot or an authorization that was asked for later says otherwise. `active` does not lift
  /// it.
  [[nodiscard]] Result<> hear_card_status(const model::CardUid& card, model::CardStatus status,
                                          const model::Moment& at);
  /// One system state heard alone (from a server without snapshots).
  [[nodiscard]] Result<> hear_system_state(const model::SystemState& state,
                                           const model::Moment& at);
  [[nodiscard]] Result<AuthorizationFacts> facts(const model::CardUid& card,
                                                 model::TapId tap) const;
  /// What is known of guests with an active card, by their ids: the next `most` after `after`.
  /// Without tap, keg, beverage and what everybody has spent. About 30 us each.
  [[nodiscard]] Result<std::vector<AuthorizationFacts>> spenders(const model::GuestId& after,
                                                                 std::size_t most) const;
  /// Of everybody at this controller, as in AuthorizationFacts::offline_controller.
  [[nodiscard]] Result<model::OfflineSpending> offline_spending() const;
  [[nodiscard]] Result<std::vector<model::Tap>> taps() const;
  /// The system state `emergency_stop_enabled` or `emergency_stop`; every value but false, 0, off,
  /// no and the empty text means stop.
  [[nodiscard]] Result<bool> emergency_stop() const;

  // --- measuring ---------------------------------------------------------------------------------
  /// The calibration in force for a tap, made if it differs from the newest one; answers its id.
  /// `curve` is its table in words, empty for one value at every flow (a K-factor).
  /// Who, when and the old and new value go into the audit log.
  [[nodiscard]] Result<std::int64_t> calibration(model::TapId tap,
                                                 std::int64_t nanolitres_per_pulse,
                                                 const std::string& curve, const std::string& who,
                                                 const model::Moment& now);
  /// Queues a flow event for the server. Idempotent in (event_id, status, volume); an update that
  /// still waits is replaced by a newer one of its event.
  [[nodiscard]] Result<> record_flow_event(const model::FlowEvent& event);
  /// Flow events that the server lacks and that are due, oldest first.
  [[nodiscard]] Result<std::vector<WaitingFlowEvent>> due_flow_events(
      std::size_t most, const model::Moment& now) const;
  [[nodiscard]] Result<> settle_flow_event(const FlowVerdict& verdict, std::int32_t attempt_cap,
                                           const model::Moment& now, const model::Moment& retry_at);
  /// Ends every event that a crash left without its `stopped`: the venue's incident would stay open
  /// for ever. Answers how many. Call once, at start.
  [[nodiscard]] Result<std::size_t> stop_open_flow_events(const model::Moment& now);
  /// Run-on of a tap after the valve was told to close, newest pour first; empty: nothing learnt
  /// yet. Pours without volume or ended by a power cut teach nothing.
  [[nodiscard]] Result<std::vector<model::Volume>> recent_tails(model::TapId tap,
                                                                std::size_t most) const;

  // --- keeping books -----------------------------------------------------------------------------
  /// To be called once the clock was set from outside in this boot: rows written before are then
  /// read with their wall times corrected (the rows themselves stay as they are).
  [[nodiscard]] Result<> note_clock(const model::Moment& now, const model::BootId& boot);
  /// Walks the next `most` rows of the chain of pours after `from`. About 10 us a row.
  [[nodiscard]] Result<ChainSlice> verify_chain(const ChainPosition& from, std::size_t most) const;
  /// Looks at the next `most` rows of the chain after row `after`, and deletes those that were
  /// confirmed before `before` and that the cached balance of their guest contains. Never the end
  /// of the chain; the gap is declared. For when nobody pours. With `after` 0 it first deletes the
  /// guests whose balance was heard alone before `balances`, at most `most` at once.
  [[nodiscard]] Result<Forgotten> forget_confirmed(model::WallTime before, std::int64_t after,
                                                   std::size_t most, model::WallTime balances = {});
  /// Another text whenever something was written that a backup is worth.
  [[nodiscard]] Result<std::string> state_of_books() const;
  [[nodiscard]] Result<bool> pour_open() const;
  /// Begins a copy of the ledger into `file` (replaced), carried on in parts; true when it is
  /// complete. One at a time; other calls may come in between, and what they commit is in it.
  [[nodiscard]] Result<> begin_copy(const std::filesystem::path& file);
  [[nodiscard]] Result<bool> continue_copy(int pages);
  void drop_copy();
  /// A check has found damage: the next start reads the whole file before it uses it.
  void note_suspicion();
  /// Value of a `meta` key (installation id, snapshot ETag, ...).
  [[nodiscard]] Result<std::optional<std::string>> meta(const std::string& key) const;
  [[nodiscard]] Result<> set_meta(const std::string& key, const std::string& value);
  /// Appends to the audit log: who did what to which entity, with details.
  [[nodiscard]] Result<> audit(const std::string& who, const std::string& action,
                               const std::string& target, const std::string& details,
                               const model::Moment& at);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> self_;
};

}  // namespace tapd::storage
