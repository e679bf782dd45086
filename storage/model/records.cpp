#include "storage/model/records.hpp"

#include <array>
#include <stdexcept>

namespace tapd::model {
namespace {

template<typename Enum>
struct Spelling {
  Enum value;
  std::string_view text;
};

// One table per enumeration serves both directions, so that they cannot disagree.
constexpr std::array pour_statuses{
    Spelling<PourStatus>{PourStatus::open, "open"},
    Spelling<PourStatus>{PourStatus::fresh, "new"},
    Spelling<PourStatus>{PourStatus::sent, "sent"},
    Spelling<PourStatus>{PourStatus::confirmed, "confirmed"},
    Spelling<PourStatus>{PourStatus::failed, "failed"},
};
constexpr std::array stop_reasons{
    Spelling<StopReason>{StopReason::card_removed, "card_removed"},
    Spelling<StopReason>{StopReason::card_tapped, "card_tapped"},
    Spelling<StopReason>{StopReason::limit_reached, "limit_reached"},
    Spelling<StopReason>{StopReason::no_flow, "no_flow"},
    Spelling<StopReason>{StopReason::time_limit, "time_limit"},
    Spelling<StopReason>{StopReason::other_card, "other_card"},
    Spelling<StopReason>{StopReason::emergency_stop, "emergency_stop"},
    Spelling<StopReason>{StopReason::tap_locked, "tap_locked"},
    Spelling<StopReason>{StopReason::refused_late, "refused_late"},
    Spelling<StopReason>{StopReason::reader_fault, "reader_fault"},
    Spelling<StopReason>{StopReason::meter_fault, "meter_fault"},
    Spelling<StopReason>{StopReason::valve_fault, "valve_fault"},
    Spelling<StopReason>{StopReason::storage_fault, "storage_fault"},
    Spelling<StopReason>{StopReason::shutdown, "shutdown"},
    Spelling<StopReason>{StopReason::power_loss, "power_loss"},
};
constexpr std::array authorizers{
    Spelling<AuthorizedBy>{AuthorizedBy::server, "server"},
    Spelling<AuthorizedBy>{AuthorizedBy::cache, "cache"},
};
constexpr std::array card_statuses{
    Spelling<CardStatus>{CardStatus::active, "active"},
    Spelling<CardStatus>{CardStatus::inactive, "inactive"},
    Spelling<CardStatus>{CardStatus::lost, "lost"},
};
constexpr std::array tap_statuses{
    Spelling<TapStatus>{TapStatus::active, "active"},
    Spelling<TapStatus>{TapStatus::locked, "locked"},
    Spelling<TapStatus>{TapStatus::cleaning, "cleaning"},
    Spelling<TapStatus>{TapStatus::empty, "empty"},
};
constexpr std::array keg_statuses{
    Spelling<KegStatus>{KegStatus::full, "full"},
    Spelling<KegStatus>{KegStatus::in_use, "in_use"},
    Spelling<KegStatus>{KegStatus::empty, "empty"},
};

template<typename Enum, std::size_t Size>
std::string_view spell(const std::array<Spelling<Enum>, Size>& table, Enum value) {
  for (const auto& row : table) {
    if (row.value == value) return row.text;
  }
  throw std::logic_error{"an enumerator without a spelling"};
}

template<typename Enum, std::size_t Size>
std::optional<Enum> read(const std::array<Spelling<Enum>, Size>& table, std::string_view text) {
  for (const auto& row : table) {
    if (row.text == text) return row.value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_text(PourStatus status) {
  return spell(pour_statuses, status);
}
std::string_view to_text(StopReason reason) {
  return spell(stop_reasons, reason);
}
std::string_view to_text(AuthorizedBy by) {
  return spell(authorizers, by);
}
std::string_view to_text(CardStatus status) {
  return spell(card_statuses, status);
}
std::string_view to_text(TapStatus status) {
  return spell(tap_statuses, status);
}
std::string_view to_text(KegStatus status) {
  return spell(keg_statuses, status);
}

std::optional<PourStatus> parse_pour_status(std::string_view text) {
  return read(pour_statuses, text);
}
std::optional<StopReason> parse_stop_reason(std::string_view text) {
  return read(stop_reasons, text);
}
std::optional<AuthorizedBy> parse_authorized_by(std::string_view text) {
  return read(authorizers, text);
}
std::optional<CardStatus> parse_card_status(std::string_view text) {
  return read(card_statuses, text);
}
std::optional<TapStatus> parse_tap_status(std::string_view text) {
  return read(tap_statuses, text);
}
std::optional<KegStatus> parse_keg_status(std::string_view text) {
  return read(keg_statuses, text);
}

}  // namespace tapd::model
