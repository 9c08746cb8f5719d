#include "cli/parts/fleet.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <map>

namespace nodepool::cli {

Fleet::Fleet(Options options) : options_(std::move(options)) {}

Result<void> Fleet::launch(const std::string& name, const std::vector<std::string>& more_arguments) {
  std::vector<std::string> arguments{options_.command, "join", options_.service, "--name", name,
                                     "--format",       "json"};
  for (const std::string& job : options_.jobs) arguments.insert(arguments.end(), {"--job", job});
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  auto started = Child::start(arguments, {fmt::format("NODEPOOL_STORE={}", options_.store)});
  if (!started) return tl::unexpected(started.error());
  nodes_.push_back({name, *std::move(started), false, false});
  records_.push_back({name, {}, std::nullopt});
  running_.push_back(true);
  return {};
}

Fleet::Node* Fleet::find(const std::string& name) {
  const auto found =
      std::find_if(nodes_.rbegin(), nodes_.rend(), [&](const Node& each) { return each.name == name; });
  return found == nodes_.rend() ? nullptr : &*found;
}

const NodeRecord* Fleet::record(const std::string& name) const {
  const auto found = std::find_if(records_.rbegin(), records_.rend(),
                                  [&](const NodeRecord& each) { return each.node == name; });
  return found == records_.rend() ? nullptr : &*found;
}

void Fleet::signal(const std::string& name, int number) {
  if (Node* node = find(name); node != nullptr) node->process.signal(number);
}

void Fleet::ask_to_leave(const std::string& name) {
  signal(name, SIGTERM);
  if (Node* node = find(name); node != nullptr) node->leaving = true;
}

void Fleet::crash(const std::string& name) {
  Node* node = find(name);
  if (node == nullptr) return;
  // Read before the signal, so that what is counted as held lies inside what was held.
  records_[static_cast<std::size_t>(node - nodes_.data())].killed_at = std::chrono::system_clock::now();
  node->process.signal(SIGKILL);
}

void Fleet::freeze(const std::string& name) {
  signal(name, SIGSTOP);
  if (Node* node = find(name); node != nullptr) node->frozen = true;
}

void Fleet::thaw(const std::string& name) {
  signal(name, SIGCONT);
  if (Node* node = find(name); node != nullptr) node->frozen = false;
}

void Fleet::pump(std::chrono::milliseconds at_most) {
  std::vector<pollfd> waiting;
  for (const Node& node : nodes_) {
    for (const int fd : {node.process.output_fd(), node.process.errors_fd()}) {
      if (fd >= 0) waiting.push_back({fd, POLLIN, 0});
    }
  }
  ::poll(waiting.data(), waiting.size(), static_cast<int>(at_most.count()));
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    Child& process = nodes_[index].process;
    process.read();
    for (const std::string& line : process.take_lines()) {
      auto event = parse_event(line);
      if (event) {
        records_[index].events.push_back(*std::move(event));
      } else if (trouble_.empty()) {
        trouble_ = event.error().message;
      }
    }
    running_[index] = !process.exit_code();
  }
}

bool Fleet::pump_until(const std::function<bool()>& condition, std::chrono::milliseconds at_most) {
  constexpr std::chrono::milliseconds kLook{5};
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    pump(kLook);
  }
  return true;
}

bool Fleet::is_alive(std::size_t index) const {
  return running_[index] && !nodes_[index].frozen && !nodes_[index].leaving && !records_[index].killed_at;
}

std::vector<std::string> Fleet::alive() const {
  std::vector<std::string> names;
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    if (is_alive(index)) names.push_back(nodes_[index].name);
  }
  return names;
}

bool Fleet::calm() const {
  const WallTime now = std::chrono::system_clock::now();
  std::map<std::string, int> owners;
  for (const std::string& job : options_.jobs) owners[job] = 0;
  std::optional<Epoch> epoch;
  const std::size_t expected = alive().size();
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    if (!is_alive(index)) continue;
    const NodeNow node = now_of(records_[index], now);
    if (node.state != NodeState::steady || node.members != expected) return false;
    if (epoch.value_or(node.epoch) != node.epoch) return false;
    epoch = node.epoch;
    for (const std::string& job : node.jobs) ++owners[job];
  }
  return epoch &&
         std::all_of(owners.begin(), owners.end(), [](const auto& each) { return each.second == 1; });
}

}  // namespace nodepool::cli
