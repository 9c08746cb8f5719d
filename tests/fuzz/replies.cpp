#include "cli/parts/pool_report.hpp"
#include "core/node.hpp"
#include "driver/redis/scripts.hpp"
#include "driver/redis/step_text.hpp"
#include "fuzz/finding.hpp"
#include "fuzz/reply_text.hpp"
#include "fuzz/targets.hpp"

namespace nodepool::fuzz {
namespace {

const ServiceName kService("service");

bool ascends(const std::vector<NodeInfo>& members) {
  for (std::size_t index = 1; index < members.size(); ++index) {
    if (members[index].name < members[index - 1].name) return false;
  }
  return true;
}

/// A node that gets the answer, as its first one and once more.
void tell_a_node(const redis::Reply& reply) {
  Node node({}, {.id = NodeId("id-a"), .name = NodeName("a")});
  const ClaimLedger ledger;
  MonotonicTime now(std::chrono::hours(1));
  for (int round = 0; round < 3; ++round) {
    node.advance(now, ledger);
    const auto request = node.next_request(now, ledger);
    if (!request) return;
    const auto answer = redis::read_sync_reply(kService, *request, reply);
    if (!answer) {
      expect(answer.error().code != ErrorCode::internal, "a server's answer is no bug of ours");
      return node.on_failure(answer.error(), now);
    }
    if (answer->members) expect(ascends(*answer->members), "members ascend by name");
    node.on_reply(*answer, now);
    static_cast<void>(node.take_events());
    const Decision decision = decide(*node.standing(), "job", now);
    expect(!decision || decision.valid_until > now, "a yes has a lease");
    now = std::max(now, std::min(node.next_wakeup(), now + std::chrono::seconds(1)));
  }
}

void report(const redis::Reply& reply) {
  const auto status = redis::read_status_reply(kService, reply);
  if (!status) return;
  static_cast<void>(cli::pool_text(kService.str(), *status));
  static_cast<void>(cli::pool_json(kService.str(), *status));
}

}  // namespace

void replies(std::string_view bytes) {
  const redis::Reply reply = reply_from(bytes);
  tell_a_node(reply);
  report(reply);
  static_cast<void>(redis::read_drain_reply(kService, NodeId("id-a"), reply));
  if (const auto hint = redis::read_hint(bytes)) {
    Node node({}, {.id = NodeId("id-a"), .name = NodeName("a")});
    node.on_hint(hint->hint, MonotonicTime(std::chrono::hours(1)));
  }
}

}  // namespace nodepool::fuzz
