#include "scheduler/roster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "nodepool/ring.hpp"

namespace nodepool::cron {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kRosterRecord = "@nodepool/cron/roster";
constexpr std::size_t kMostChanged = 16;
constexpr std::size_t kMostChangedBytes = 2048;
constexpr std::size_t kShortLife = 10;  ///< 40 random bits tell the members of a pool apart.
constexpr std::size_t kHashesInRecord = 2000;
constexpr std::size_t kMostRetired = 8;
static_assert(kHashesInRecord * sizeof(std::uint64_t) <= kMaxLedgerValue);

std::string short_form(const NodeId& life) {
  return life.str().substr(0, kShortLife);
}

/// Little-endian, whatever the machine.
std::string bytes_of(std::span<const std::uint64_t> hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * sizeof(std::uint64_t));
  for (std::uint64_t hash : hashes) {
    for (std::size_t byte = 0; byte < sizeof hash; ++byte) bytes += static_cast<char>(hash >> (8 * byte));
  }
  return bytes;
}

void append_hashes(std::string_view bytes, std::vector<std::uint64_t>& hashes) {
  for (; bytes.size() >= sizeof(std::uint64_t); bytes.remove_prefix(sizeof(std::uint64_t))) {
    std::uint64_t hash = 0;
    for (std::size_t byte = 0; byte < sizeof hash; ++byte) {
      hash |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[byte])) << (8 * byte);
    }
    hashes.push_back(hash);
  }
}

std::string part_name(const std::string& digest, std::size_t part) {
  return fmt::format("@nodepool/cron/list/{}/{}", digest, part);
}

std::vector<std::uint64_t> hashes_of(std::span<const std::string> names) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(names.size());
  for (const std::string& name : names) hashes.push_back(hash_key(name));
  return hashes;
}

}  // namespace

JobList::JobList(std::span<const std::string> names) : JobList(hashes_of(names)) {}

JobList::JobList(std::vector<std::uint64_t> hashes) : hashes_(std::move(hashes)) {
  std::ranges::sort(hashes_);
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  digest_ = fmt::format("{:016x}", hash_key(bytes_of(hashes_)));
}

bool JobList::has(std::string_view job) const noexcept {
  return std::ranges::binary_search(hashes_, hash_key(job));
}

std::string Roster::digest_of(const NodeId& life) const {
  const std::string entered = short_form(life);
  for (const auto& [digest, entries] : lives) {
    if (entries.contains(entered)) return digest;
  }
  return {};
}

bool Roster::enter(const NodeId& life, const std::string& digest, std::span<const NodeId> members) {
  std::set<std::string> present{short_form(life)};
  for (const NodeId& member : members) present.insert(short_form(member));
  Roster next = *this;
  for (auto& entered : next.lives) {
    const bool is_ours = entered.first == digest;
    std::erase_if(entered.second, [&](const std::string& entry) {
      return !present.contains(entry) || (entry == short_form(life) && !is_ours);
    });
  }
  next.lives[digest].insert(short_form(life));
  for (const auto& [list, entries] : next.lives) {
    if (entries.empty()) next.retired.push_back(list);
  }
  std::erase_if(next.lives, [](const auto& list) { return list.second.empty(); });
  std::erase(next.retired, digest);
  if (next == *this) return false;
  *this = std::move(next);
  return true;
}

void Roster::note_change(const std::string& job) {
  ++serial;
  changed.push_back(job);
  std::size_t bytes = 0;
  for (const std::string& each : changed) bytes += each.size();
  while (changed.size() > kMostChanged || bytes > kMostChangedBytes) {
    bytes -= changed.front().size();
    changed.erase(changed.begin());
  }
}

std::optional<std::vector<std::string>> Roster::changed_since(std::uint64_t seen) const {
  if (seen >= serial) return std::vector<std::string>{};
  const std::uint64_t count = serial - seen;
  if (count > changed.size()) return std::nullopt;
  return std::vector<std::string>(changed.end() - static_cast<std::ptrdiff_t>(count), changed.end());
}

std::string to_json(const Roster& roster) {
  return Json{{"lives", roster.lives},
              {"retired", roster.retired},
              {"serial", roster.serial},
              {"changed", roster.changed}}
      .dump();
}

Result<Roster> parse_roster(std::string_view text) {
  if (text.empty()) return Roster{};
  try {
    const Json json = Json::parse(text);
    return Roster{.lives = json.at("lives").get<std::map<std::string, std::set<std::string>>>(),
                  .retired = json.at("retired").get<std::vector<std::string>>(),
                  .serial = json.at("serial").get<std::uint64_t>(),
                  .changed = json.at("changed").get<std::vector<std::string>>()};
  } catch (const std::exception& e) {
    return failure(ErrorCode::store_corrupt,
                   fmt::format("the store has a record {} that cannot be read: {}", kRosterRecord, e.what()));
  }
}

Result<Roster> RosterBook::read(MonotonicTime deadline) {
  return ledger_.read(kRosterRecord, deadline).and_then([](const LedgerRecord& record) {
    return parse_roster(record.value);
  });
}

/// Until the record is as it should be: of all who change it at once, each comes through.
template <class Change>
Result<Roster> RosterBook::change(Change change, MonotonicTime deadline) {
  auto record = ledger_.read(kRosterRecord, deadline);
  while (record) {
    auto roster = parse_roster(record->value);
    if (!roster || !change(*roster)) return roster;
    const LedgerUpdate update{
        .job = std::string(kRosterRecord), .expected = record->version, .value = to_json(*roster)};
    auto step = ledger_.write(update, deadline);
    if (!step) return tl::unexpected(std::move(step.error()));
    if (step->written) return roster;
    record = std::move(step->record);
  }
  return tl::unexpected(std::move(record.error()));
}

Result<Roster> RosterBook::enter(const NodeId& life, const JobList& list, std::span<const NodeId> members,
                                 MonotonicTime deadline) {
  if (!published_.contains(list.digest())) {
    if (auto published = publish(list, deadline); !published) return tl::unexpected(published.error());
  }
  auto roster =
      change([&](Roster& entered) { return entered.enter(life, list.digest(), members); }, deadline);
  // Old lists stay for a while: some node may be about to return to one.
  if (!roster || roster->retired.size() <= kMostRetired) return roster;
  const std::string oldest = roster->retired.front();
  if (auto forgotten = forget(oldest, deadline); !forgotten) return tl::unexpected(forgotten.error());
  return change([&](Roster& known) { return std::erase(known.retired, oldest) > 0; }, deadline);
}

/// From the head on: a list without one is not there.
Result<void> RosterBook::forget(const std::string& digest, MonotonicTime deadline) {
  published_.erase(digest);
  for (std::size_t part = 0;; ++part) {
    const auto record = ledger_.read(part_name(digest, part), deadline);
    if (!record) return tl::unexpected(record.error());
    if (record->version == 0) return {};
    const auto erased = ledger_.erase(record->job, record->version, deadline);
    if (!erased) return tl::unexpected(erased.error());
  }
}

Result<void> RosterBook::note_change(const std::string& job, MonotonicTime deadline) {
  auto changed = change(
      [&](Roster& roster) {
        roster.note_change(job);
        return true;
      },
      deadline);
  if (!changed) return tl::unexpected(std::move(changed.error()));
  return {};
}

/// The number of parts is in the first one, which is written last: whoever finds it finds all.
Result<void> RosterBook::publish(const JobList& list, MonotonicTime deadline) {
  const std::span<const std::uint64_t> hashes(list.hashes());
  const std::size_t parts = (hashes.size() + kHashesInRecord - 1) / kHashesInRecord;
  for (std::size_t part = parts; part > 0; --part) {
    const auto share = hashes.subspan((part - 1) * kHashesInRecord)
                           .first(std::min(kHashesInRecord, hashes.size() - (part - 1) * kHashesInRecord));
    const LedgerUpdate update{.job = part_name(list.digest(), part), .value = bytes_of(share)};
    if (auto step = ledger_.write(update, deadline); !step) return tl::unexpected(step.error());
  }
  const LedgerUpdate head{.job = part_name(list.digest(), 0), .value = std::to_string(parts)};
  if (auto step = ledger_.write(head, deadline); !step) return tl::unexpected(step.error());
  published_.insert(list.digest());
  return {};
}

Result<JobList> RosterBook::list(const std::string& digest, MonotonicTime deadline) {
  const auto head = ledger_.read(part_name(digest, 0), deadline);
  if (!head) return tl::unexpected(head.error());
  std::vector<std::uint64_t> hashes;
  const std::size_t parts = head->version == 0 ? 0 : std::strtoull(head->value.c_str(), nullptr, 10);
  for (std::size_t part = 1; part <= parts; ++part) {
    const auto record = ledger_.read(part_name(digest, part), deadline);
    if (!record) return tl::unexpected(record.error());
    append_hashes(record->value, hashes);
  }
  JobList list(std::move(hashes));
  if (head->version == 0 || list.digest() != digest) {
    return failure(ErrorCode::not_found, "the list of jobs " + digest + " is not in the store");
  }
  return list;
}

}  // namespace nodepool::cron
