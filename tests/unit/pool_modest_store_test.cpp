// A pool on a store that knows neither acknowledgements nor claims, and gives its nodes their names.

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "nodepool/pool.hpp"
#include "support/node_dialogue.hpp"
#include "support/pools.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::kService;
using test::patient;

/// Answers with what the test has put on the list.
class ModestDriver final : public Driver {
 public:
  void list(std::vector<std::string> names, bool settled) {
    const std::lock_guard lock(list_->mutex);
    list_->names = std::move(names);
    list_->settled = settled;
    ++list_->epoch;
  }
  void warn(std::vector<std::string> warnings) {
    const std::lock_guard lock(list_->mutex);
    list_->warnings = std::move(warnings);
  }
  std::string describe() const override { return "modest"; }
  Capabilities capabilities() const noexcept override { return {false, false, false}; }
  std::unique_ptr<Session> open(const ServiceName& /*service*/) override {
    return std::make_unique<ModestSession>(list_);
  }

 private:
  struct List {
    std::mutex mutex;
    std::vector<std::string> names{"given"};  ///< This and what follows: guarded by mutex.
    std::vector<std::string> warnings;
    bool settled = true;
    std::uint64_t epoch = 1;
  };
  class ModestSession final : public Session {
   public:
    explicit ModestSession(std::shared_ptr<List> list) : list_(std::move(list)) {}
    std::optional<NodeName> node_name() const override { return NodeName("given"); }
    Result<SyncReply> sync(const SyncRequest& request, MonotonicTime /*deadline*/) override {
      const std::lock_guard lock(list_->mutex);
      SyncReply reply{.view = {"lineage", {list_->epoch}, std::to_string(list_->epoch)},
                      .settled = list_->settled,
                      .look_again_in = 5ms,
                      .lease = 20s,
                      .warnings = list_->warnings};
      if (request.known == reply.view) return reply;
      reply.settled = false;
      reply.members.emplace();
      for (const std::string& name : list_->names) {
        reply.members->push_back(
            {.id = name == "given" ? request.node.id : NodeId(name), .name = NodeName(name)});
      }
      return reply;
    }
    Result<PoolStatus> status(MonotonicTime /*deadline*/) override {
      return failure(ErrorCode::unsupported, "no");
    }
    Result<void> request_drain(const NodeId& /*node*/, MonotonicTime /*deadline*/) override {
      return failure(ErrorCode::unsupported, "no");
    }
    std::vector<Hint> wait(MonotonicTime until, int /*wake_fd*/) override {
      std::this_thread::sleep_until(std::min(until, BootClock::now() + 2ms));
      return {};
    }

   private:
    std::shared_ptr<List> list_;
  };

  std::shared_ptr<List> list_ = std::make_shared<List>();
};

TEST(ModestStore, GivesTheNodeItsName) {
  const auto store = std::make_shared<ModestDriver>();
  NodePool pool(kService, store, patient("ignored"));
  ASSERT_TRUE(pool.start());
  EXPECT_EQ(pool.node_name().str(), "given");
  EXPECT_EQ(pool.owner("job")->name.str(), "given");
}

TEST(ModestStore, ItsWarningsAreLoggedAndCountedOnce) {
  const auto store = std::make_shared<ModestDriver>();
  store->warn({"it rains"});
  PoolOptions options = patient("");
  std::atomic<int> logged{0};
  options.logger = [&](LogLevel level, std::string_view message, std::span<const LogField>) {
    logged += level == LogLevel::warning && message == "it rains" ? 1 : 0;
  };
  NodePool pool(kService, store, options);
  ASSERT_TRUE(pool.start());
  const auto syncs = pool.stats().syncs_ok;
  ASSERT_TRUE(eventually([&] { return pool.stats().syncs_ok > syncs + 2; }));
  EXPECT_EQ(pool.stats().store_warnings, 1U);
  EXPECT_EQ(logged, 1);
  store->warn({});
  const auto without = pool.stats().syncs_ok;
  ASSERT_TRUE(eventually([&] { return pool.stats().syncs_ok > without + 1; }));
  store->warn({"it rains"});
  EXPECT_TRUE(eventually([&] { return pool.stats().store_warnings == 2; }));
}

TEST(ModestStore, AClaimWhoseJobMovesIsToldToStopAsNobodyWaitsForIt) {
  const auto store = std::make_shared<ModestDriver>();
  NodePool pool(kService, store, patient(""));
  ASSERT_TRUE(pool.start());
  const std::string moves = test::job_where({{{"given", "other"}, "other"}});
  const std::string stays = test::job_where({{{"given", "other"}, "given"}});
  auto moving = pool.try_claim(moves);
  auto staying = pool.try_claim(stays);
  ASSERT_TRUE(moving && staying);
  store->list({"given", "other"}, false);
  ASSERT_TRUE(eventually([&] { return moving->stop_token().stop_requested(); }));
  EXPECT_TRUE(moving->hand_over_token().stop_requested());
  EXPECT_FALSE(moving->valid());
  EXPECT_FALSE(staying->stop_token().stop_requested());
  EXPECT_TRUE(staying->valid());
  EXPECT_TRUE(pool.is_eligible(stays)) << "what stays does not pause";
  EXPECT_EQ(pool.stats().claims_revoked, 1U);
}

TEST(ModestStore, AStartThatIsNotSettledInTimeSaysThatTheListChanges) {
  const auto store = std::make_shared<ModestDriver>();
  store->list({"given"}, false);
  NodePool pool(kService, store, patient(""));
  const auto started = pool.start(100ms);
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("has not stayed the same"), std::string::npos)
      << started.error().message;
}

}  // namespace
}  // namespace nodepool
