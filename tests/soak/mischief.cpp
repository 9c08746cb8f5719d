#include "soak/mischief.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "cli/parts/clock_text.hpp"

namespace nodepool::soak {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using std::chrono::system_clock;

/// Well over a lease: what the protocol assumes of a store's clock.
constexpr auto kBetweenForwardSteps = 5s;

}  // namespace

Mischief::Mischief(fault::Trial& trial, fault::Names nodes, std::uint64_t seed)
    : trial_(trial), nodes_(std::move(nodes)), random_(seed), saved_(trial.saved_file()) {}

void Mischief::play_round() {
  const std::int64_t deeds = pick(1, 8);
  for (std::int64_t number = 0; number < deeds; ++number) {
    commit(static_cast<Deed>(pick(0, static_cast<std::int64_t>(Deed::count) - 1)));
    trial_.pass(some_time(0, pick(0, 1) == 0 ? 100 : 1500));
  }
}

void Mischief::heal() {
  tell("all is healed");
  for (const std::string& node : nodes_) {
    trial_.gate(node).set({});
    if (trial_.fleet().find(node)->frozen) trial_.fleet().thaw(node);
  }
  for (const std::string& node : nodes_) {
    if (!trial_.fleet().find(node)->leaving && !trial_.fleet().record(node)->killed_at) continue;
    trial_.wait_for("the end of " + node,
                    [&] { return trial_.fleet().find(node)->process.exit_code().has_value(); });
    launch_if_gone(node);
  }
}

void Mischief::commit(Deed deed) {
  ++faults_;
  const std::string& node = nodes_[static_cast<std::size_t>(pick(0, std::ssize(nodes_) - 1))];
  if (!do_to_node(deed, node)) do_to_server(deed);
}

bool Mischief::do_to_node(Deed deed, const std::string& node) {
  const auto weather = [&](const char* what, const test::TcpGate::Weather& is) {
    tell(fmt::format("{} {}", node, what));
    trial_.gate(node).set(is);
    return true;
  };
  const auto told = [&](const char* what) {
    tell(fmt::format("{} {}", node, what));
    return true;
  };
  if (deed == Deed::cut_requests) return weather("loses its requests", {.requests_pass = false});
  if (deed == Deed::cut_replies) return weather("loses its replies", {.replies_pass = false});
  if (deed == Deed::cut_both) return weather("is cut off", {.requests_pass = false, .replies_pass = false});
  if (deed == Deed::slow_down) return weather("has a slow link", {.delay = some_time(5, 200)});
  if (deed == Deed::refuse) return weather("is refused", {.accepts = false});
  if (deed == Deed::heal_link) return weather("has a good link", {});
  if (deed == Deed::reset) return trial_.gate(node).reset_connections(), told("has its connections reset");
  if (deed == Deed::freeze) return trial_.fleet().freeze(node), told("freezes");
  if (deed == Deed::thaw) return trial_.fleet().thaw(node), told("thaws");
  if (deed == Deed::crash) return trial_.fleet().crash(node), told("crashes");
  if (deed == Deed::leave) return trial_.fleet().ask_to_leave(node), told("is asked to leave");
  if (deed == Deed::launch) return launch_if_gone(node), true;
  return false;
}

void Mischief::do_to_server(Deed deed) {
  if (deed == Deed::restart_saved) {
    tell("the server restarts with its data");
    trial_.command({"SAVE"});
    restart_server();
  } else if (deed == Deed::restart_as_last_saved) {
    tell("the server restarts with what was saved last");
    restart_server();
  } else if (deed == Deed::restart_empty) {
    tell("the server restarts empty");
    fs::remove(saved_);
    restart_server();
  } else if (deed == Deed::restart_old && fs::exists(saved_ + ".old")) {
    tell("the server restarts from the snapshot kept");
    fs::copy_file(saved_ + ".old", saved_, fs::copy_options::overwrite_existing);
    restart_server();
  } else if (deed == Deed::keep_snapshot) {
    tell("a snapshot is kept");
    trial_.command({"SAVE"});
    fs::copy_file(saved_, saved_ + ".old", fs::copy_options::overwrite_existing);
  } else if (deed == Deed::freeze_server) {
    const auto time = some_time(50, 2500);
    tell(fmt::format("the server freezes for {} ms", time.count()));
    trial_.server().freeze();
    trial_.pass(time);
    trial_.server().thaw();
  } else if (deed == Deed::pause_clients) {
    const auto time = some_time(50, 2500);
    tell(fmt::format("the server pauses its clients for {} ms", time.count()));
    trial_.command({"CLIENT", "PAUSE", std::to_string(time.count()), "ALL"});
    paused_until_ = std::max(paused_until_, system_clock::now() + time);
  } else if (deed == Deed::delete_keys) {
    tell("all keys are deleted");
    trial_.command({"FLUSHALL"});
  } else if (deed == Deed::step_clock) {
    step_clock();
  }
}

void Mischief::restart_server() {
  trial_.server().kill();
  trial_.pass(some_time(0, 300));
  trial_.server().start();
}

void Mischief::step_clock() {
  const std::int64_t offset = pick(-4000, 4000);
  // Redis counts a pause on its civil clock: a step back would make it last for an hour.
  if (system_clock::now() <= paused_until_) return;
  const bool forward = offset > clock_offset_s_;
  if (forward && system_clock::now() < last_forward_step_ + kBetweenForwardSteps) return;
  if (forward) last_forward_step_ = system_clock::now();
  tell(fmt::format("the server's clock steps by {} s", offset - clock_offset_s_));
  clock_offset_s_ = offset;
  trial_.step_clock(std::chrono::seconds(offset));
}

void Mischief::launch_if_gone(const std::string& node) {
  if (!trial_.fleet().find(node)->process.exit_code()) return;
  tell(fmt::format("{} is launched", node));
  trial_.launch(node);
}

std::int64_t Mischief::pick(std::int64_t least, std::int64_t most) {
  return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
}

std::chrono::milliseconds Mischief::some_time(std::int64_t least_ms, std::int64_t most_ms) {
  return std::chrono::milliseconds(pick(least_ms, most_ms));
}

void Mischief::tell(const std::string& what) {
  story_.push_back(fmt::format("{} {}", cli::clock_text(system_clock::now()), what));
}

}  // namespace nodepool::soak
