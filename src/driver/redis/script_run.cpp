#include "driver/redis/script_run.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "driver/redis/errors.hpp"

namespace nodepool::redis {
namespace {

/// How long the server may wait for its replicas: less than the call may take, as the answer has a way to go
/// too, and a server looks at such times only every 100 ms. At 0 it would wait for ever.
std::chrono::milliseconds wait_of(MonotonicTime deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - BootClock::now());
  return std::max(left * 3 / 4, std::chrono::milliseconds(1));
}

/// The script's reply, without that of the wait behind it.
Result<Reply> send(Connection& connection, Command script, const ScriptOrder& order, MonotonicTime deadline) {
  std::vector<Command> commands;
  if (order.asking) commands.push_back({"ASKING"});
  commands.push_back(std::move(script));
  if (order.replicas > 0) {
    commands.push_back({"WAIT", std::to_string(order.replicas), std::to_string(wait_of(deadline).count())});
  }
  auto reply = connection.send(commands, deadline).and_then([&] { return connection.await(deadline); });
  if (reply && order.asking) reply = connection.await(deadline);
  return reply;
}

}  // namespace

Result<ScriptResult> run_script(Connection& connection, const ScriptOrder& order, MonotonicTime deadline) {
  auto call = order.call(connection.server().run_id);
  if (!call) return tl::unexpected(std::move(call.error()));
  const auto is_error = [](const auto& reply) { return reply->kind == Reply::Kind::error; };
  auto reply = send(connection, call->by_digest(), order, deadline);
  if (reply && is_error(reply) && is_unknown_script(reply->text)) {
    if (order.replicas > 0) reply = connection.await(deadline);
    if (reply) reply = send(connection, call->by_text(), order, deadline);
  }
  if (!reply) return tl::unexpected(std::move(reply.error()));
  ScriptResult result{.reply = std::move(*reply)};
  if (result.reply.kind == Reply::Kind::error || order.replicas == 0) return result;
  auto confirmations = connection.await(deadline);
  if (!confirmations) return result;
  if (is_error(confirmations)) return ScriptResult{.reply = std::move(*confirmations)};
  result.confirmations = confirmations->integer;
  return result;
}

}  // namespace nodepool::redis
