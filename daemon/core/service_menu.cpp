#include "daemon/core/service_menu.hpp"

#include <algorithm>
#include <array>

namespace tapd {

ServiceMenu::ServiceMenu(const model::CardUid& card, bool lies, model::SinceBoot now,
                         const MenuRules& rules)
    : card_{card}, rules_{rules}, opened_at_{now}, touched_at_{now}, lies_{lies} {}

ServiceMenu::Step ServiceMenu::laid_on(model::SinceBoot now) {
  if (lies_) return Step::nothing;
  lies_ = true;
  if (last_seen_ && now - *last_seen_ < rules_.shortest_lift) return Step::nothing;
  touched_at_ = now;
  switch (phase_) {
    case Phase::choosing:
      act_ = static_cast<ServiceAct>((static_cast<std::size_t>(act_) + 1) % service_act_count);
      return Step::chosen;
    case Phase::asked:
      return Step::nothing;
    case Phase::running:
      return Step::stop;
  }
  return Step::nothing;
}

void ServiceMenu::taken_away(model::SinceBoot last_seen) {
  lies_ = false;
  last_seen_ = last_seen;
}

ServiceMenu::Step ServiceMenu::tick(model::SinceBoot now) {
  switch (phase_) {
    case Phase::choosing:
      if (now - opened_at_ >= rules_.longest) return Step::close;
      if (!lies_) return now - touched_at_ >= rules_.idle ? Step::close : Step::nothing;
      if (now - touched_at_ < rules_.hold) return Step::nothing;
      if (act_ == ServiceAct::stop) return Step::close;
      phase_ = Phase::asked;
      asked_at_ = now;
      return Step::run;
    case Phase::asked:
      return now - asked_at_ >= rules_.answer ? Step::unanswered : Step::nothing;
    case Phase::running:
      return Step::nothing;
  }
  return Step::nothing;
}

std::optional<model::SinceBoot> ServiceMenu::wake_at() const {
  switch (phase_) {
    case Phase::choosing:
      return std::min(opened_at_ + rules_.longest,
                      touched_at_ + (lies_ ? rules_.hold : rules_.idle));
    case Phase::asked:
      return asked_at_ + rules_.answer;
    case Phase::running:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string_view to_text(ServiceAct act) {
  constexpr std::array<std::string_view, service_act_count> texts{"lift_limits", "bleed", "clean",
                                                                  "keg_change", "stop"};
  return texts.at(static_cast<std::size_t>(act));
}

std::optional<ServiceKind> work_of(ServiceAct act) {
  switch (act) {
    case ServiceAct::bleed:
      return ServiceKind::bleed;
    case ServiceAct::clean:
      return ServiceKind::clean;
    case ServiceAct::keg_change:
      return ServiceKind::keg_change;
    case ServiceAct::lift_limits:
    case ServiceAct::stop:
      return std::nullopt;
  }
  return std::nullopt;
}

ServiceBegun usual_work(ServiceKind kind) {
  using std::chrono::seconds;
  const auto work = [kind](seconds longest, std::int64_t most_ml) {
    return ServiceBegun{
        .kind = kind, .longest = longest, .most = model::Volume::millilitres(most_ml)};
  };
  switch (kind) {
    case ServiceKind::valve_test:
      return work(seconds{5}, 1'000);
    case ServiceKind::clean:
      return work(seconds{60}, 10'000);
    case ServiceKind::keg_change:
      return work(seconds{30}, 2'000);
    case ServiceKind::calibrate:
      return work(seconds{120}, 3'000);
    case ServiceKind::bleed:
      return work(seconds{15}, 1'000);
  }
  return work(seconds{5}, 1'000);
}

}  // namespace tapd
