#pragma once

#include <memory>
#include <string>
#include <vector>

#include "driver/go_dispatch/line.hpp"
#include "driver/go_dispatch/member_list.hpp"
#include "driver/go_dispatch/stability.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::go_dispatch {

/// What is random about a session.
struct Chance {
  std::string uuid;     ///< Of the node.
  std::string lineage;  ///< Of the views it will see.
  std::uint32_t seed = 0;
};

/// A node among nodes of go-dispatch. It keeps their pace whatever the pool's heartbeat is: a `sync` before
/// the time is answered from what is known.
///
/// Each exchange writes the node's entry and then reads the list. The list is read as often as the entry is
/// written, twice as often as Go nodes read it: a newcomer in Go acts on its first list after one period, so
/// that this node must have seen it before.
class GoDispatchSession final : public Session {
 public:
  /// `tls`: of the options, none without TLS.
  GoDispatchSession(std::shared_ptr<const GoDispatchOptions> options,
                    std::shared_ptr<const redis::TlsContext> tls, const ServiceName& service,
                    const Chance& chance);

  [[nodiscard]] std::optional<NodeName> node_name() const override { return NodeName(reader_.own_name); }
  [[nodiscard]] Result<SyncReply> sync(const SyncRequest& request, MonotonicTime deadline) override;
  [[nodiscard]] Result<PoolStatus> status(MonotonicTime deadline) override;
  [[nodiscard]] Result<void> request_drain(const NodeId& node, MonotonicTime deadline) override;
  [[nodiscard]] std::vector<Finding> examine(MonotonicTime deadline) override;
  [[nodiscard]] std::vector<Hint> wait(MonotonicTime until, int wake_fd) override;

 private:
  Result<void> exchange(const SyncRequest& request, MonotonicTime deadline);
  Result<SyncReply> leave(MonotonicTime deadline);
  void begin_view(const SyncRequest& request);
  [[nodiscard]] SyncReply reply_to(const SyncRequest& request, MonotonicTime asked) const;
  [[nodiscard]] Finding try_to_take_part(MonotonicTime deadline) const;
  Result<std::vector<MemberStatus>> statuses_of(const std::vector<Entry>& entries, MonotonicTime deadline);

  std::shared_ptr<const GoDispatchOptions> options_;
  Pace pace_;
  Reader reader_;
  std::shared_ptr<const redis::TlsContext> tls_;
  Line line_;
  Stability stability_;
  std::string lineage_;
  bool may_be_listed_ = false;  ///< A renewal was sent, answered or not.
  bool registered_ = false;     ///< A renewal was answered.
  MonotonicTime renewed_;       ///< When the renewal was sent that the last good list followed.
  MonotonicTime next_exchange_;
  ViewStamp view_;
  std::vector<std::string> warnings_;
};

}  // namespace nodepool::go_dispatch
