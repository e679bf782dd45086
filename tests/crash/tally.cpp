#include <atomic>
#include <mutex>
#include <thread>

#include "campaign.hpp"
#include "spread.hpp"

namespace tapd::crash {

Tally spread(const CampaignOptions& options, const std::string& name, const Progress& progress,
             std::uint64_t jobs, const std::function<Tally(std::uint64_t)>& job) {
  std::atomic<std::uint64_t> next{0};
  std::uint64_t done = 0;
  Tally sum;
  std::mutex mutex;
  const auto work = [&] {
    for (std::uint64_t number = next++; number < jobs; number = next++) {
      const Tally tally = job(number);
      const std::scoped_lock lock{mutex};
      sum.add(tally);
      progress(name, ++done, jobs);
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < options.threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  return sum;
}

void Tally::add(const Tally& other) {
  cuts += other.cuts;
  acknowledged += other.acknowledged;
  told += other.told;
  told_later += other.told_later;
  rolled_back += other.rolled_back;
  lost += other.lost;
  behind += other.behind;
  doubled += other.doubled;
  balance += other.balance;
  wrong += other.wrong;
  if (first.empty()) first = other.first;
  if (first_damage.empty()) first_damage = other.first_damage;
}

void Tally::add(const Finding& finding, const std::string& how) {
  ++cuts;
  acknowledged += finding.acknowledged;
  const std::uint64_t before = violations();
  switch (finding.outcome) {
    case Outcome::right:
      break;
    case Outcome::told:
      ++told;
      break;
    case Outcome::told_later:
      ++told_later;
      break;
    case Outcome::rolled_back:
      ++rolled_back;
      break;
    case Outcome::lost:
      ++lost;
      break;
    case Outcome::behind:
      ++behind;
      break;
    case Outcome::doubled:
      ++doubled;
      break;
    case Outcome::balance:
      ++balance;
      break;
    case Outcome::wrong:
      ++wrong;
      break;
  }
  if (first.empty() && violations() > before) first = how + ": " + finding.what;
  if (first_damage.empty() && violations() == before && finding.outcome != Outcome::right) {
    first_damage = how + ": " + finding.what;
  }
}

bool Row::good() const {
  const bool damaged = tally.told + tally.told_later + tally.rolled_back > 0;
  switch (expected) {
    case Expected::nothing:
      return tally.cuts > 0 && tally.violations() == 0 && !damaged;
    case Expected::lies:
      return tally.cuts > 0 && tally.violations() == 0;
    case Expected::caught:
      return tally.violations() > 0;
    case Expected::spoilt:
      return damaged;
  }
  return false;
}

}  // namespace tapd::crash
