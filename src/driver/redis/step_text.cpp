#include "driver/redis/step_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/view_change.hpp"
#include "nodepool/view_store.hpp"

namespace nodepool::redis {
namespace {

/// Takes the next word, up to a blank or the end.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

std::optional<Epoch> epoch_of(std::string_view digits) {
  Epoch epoch;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), epoch.value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return epoch;
}

/// "<epoch> <view id>", and nothing behind.
std::optional<ViewStamp> stamp_of(std::string_view lineage, std::string_view words) {
  const auto epoch = epoch_of(take_word(words));
  const std::string_view view_id = take_word(words);
  if (!epoch || view_id.empty() || !words.empty()) return std::nullopt;
  return ViewStamp{std::string(lineage), *epoch, std::string(view_id)};
}

/// A line for each node: "-<id>" or "+<record>".
Result<ViewChange> change_of(std::optional<ViewStamp> base, std::string_view lines) {
  if (!base) return failure(ErrorCode::store_corrupt, "a step between two views has no base");
  ViewChange change{.base = std::move(*base), .gone = {}, .present = {}};
  for (const std::string& line : split_lines(lines)) {
    const std::string_view rest = std::string_view(line).substr(std::min<std::size_t>(1, line.size()));
    if (line.starts_with('-')) {
      change.gone.emplace_back(rest);
      continue;
    }
    auto node = decode_node(rest);
    if (!node) return tl::unexpected(std::move(node.error()));
    change.present.push_back(std::move(*node));
  }
  std::ranges::sort(change.gone);
  sort_members(change.present);
  return change;
}

/// Splits off the first line.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

/// `head`: "<lineage> <view id>", of a view hint also "<base epoch> <base view id>".
std::optional<Hint::Detail> detail_of(const Hint& hint, std::string_view head, std::string_view lines) {
  const std::string_view lineage = take_word(head);
  const std::string_view view_id = take_word(head);
  if (lineage.empty() || view_id.empty()) return std::nullopt;
  Hint::Detail detail{{std::string(lineage), hint.epoch, std::string(view_id)}, {}, {}};
  if (hint.kind != Hint::Kind::view) {
    detail.held = split_lines(lines);
    std::ranges::sort(detail.held);
    return detail;
  }
  auto change = change_of(stamp_of(lineage, head), lines);
  if (!change) return std::nullopt;
  detail.change = std::move(*change);
  return detail;
}

std::optional<Hint::Kind> kind_of(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, Hint::Kind>, 4> kKinds{
      {{"view", Hint::Kind::view},
       {"settled", Hint::Kind::settled},
       {"release", Hint::Kind::release},
       {"drain", Hint::Kind::drain}}};
  const auto found = std::ranges::find(kKinds, word, &std::pair<std::string_view, Hint::Kind>::first);
  return found == kKinds.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::vector<std::string> split_lines(std::string_view joined) {
  std::vector<std::string> lines;
  while (!joined.empty()) lines.emplace_back(take_line(joined));
  return lines;
}

Result<ViewChange> decode_steps(const std::string& lineage, const std::vector<std::string>& newest_first) {
  std::vector<ViewChange> changes;
  for (auto step = newest_first.rbegin(); step != newest_first.rend(); ++step) {
    std::string_view lines = *step;
    std::string_view head = take_line(lines);
    static_cast<void>(take_word(head));  // which view it led to
    auto change = change_of(stamp_of(lineage, head), lines);
    if (!change) return change;
    changes.push_back(std::move(*change));
  }
  return merged(changes);
}

std::optional<PublishedHint> read_hint(std::string_view text) {
  std::string_view lines = text;
  std::string_view head = take_line(lines);
  const auto kind = kind_of(take_word(head));
  const auto epoch = epoch_of(take_word(head));
  const std::string_view node = take_word(head);
  if (!kind || !epoch || node.empty()) return std::nullopt;
  PublishedHint published{{*kind, *epoch, std::nullopt}, NodeId(node)};
  published.hint.detail = detail_of(published.hint, head, lines);
  return published;
}

}  // namespace nodepool::redis
