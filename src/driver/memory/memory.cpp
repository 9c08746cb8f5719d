#include "nodepool/memory.hpp"

#include <sys/eventfd.h>

#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "driver/common/descriptor.hpp"
#include "driver/memory/memory_ledger.hpp"
#include "nodepool/view_store.hpp"

namespace nodepool {
namespace {

/// The hints of one session. Thread-safe.
class Mailbox {
 public:
  Mailbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void put(const std::vector<Hint>& hints) {
    const std::lock_guard lock(mutex_);
    hints_.insert(hints_.end(), hints.begin(), hints.end());
    // A session that never waits must not make the box grow: one hint says as much as many.
    if (hints_.size() > kMaxHints) hints_.assign(1, Hint{});
    // This can only fail where the event is set already.
    [[maybe_unused]] const int ignored = ::eventfd_write(event_.get(), 1);
  }

  std::vector<Hint> take() {
    const std::lock_guard lock(mutex_);
    eventfd_t count = 0;
    [[maybe_unused]] const int ignored = ::eventfd_read(event_.get(), &count);
    return std::exchange(hints_, {});
  }

  [[nodiscard]] int descriptor() const noexcept { return event_.get(); }

 private:
  static constexpr std::size_t kMaxHints = 64;
  const driver::Descriptor event_;
  std::mutex mutex_;
  std::vector<Hint> hints_;  ///< Guarded by mutex_.
};

/// All pools of one driver object. Thread-safe.
class Store {
 public:
  void attach(const ServiceName& service, Mailbox* mailbox) {
    const std::lock_guard lock(mutex_);
    pools_[service].mailboxes.push_back(mailbox);
  }

  void detach(const ServiceName& service, Mailbox* mailbox) {
    const std::lock_guard lock(mutex_);
    std::erase(pools_[service].mailboxes, mailbox);
  }

  Result<SyncReply> sync(const ServiceName& service, const SyncRequest& request, const Mailbox* caller) {
    const std::lock_guard lock(mutex_);
    Pool& pool = pools_[service];
    auto outcome = apply_sync(pool.state, request, now());
    if (!outcome) return tl::unexpected(std::move(outcome.error()));
    // The caller learns from its reply; it needs no hint.
    if (!outcome->publish.empty()) publish(pool, outcome->publish, caller);
    return std::move(outcome->reply);
  }

  Result<PoolStatus> status(const ServiceName& service) {
    const std::lock_guard lock(mutex_);
    const Pool& pool = pools_[service];  // There is one: the calling session is attached to it.
    if (!pool.state) return unknown(service);
    return status_of(*pool.state);
  }

  Result<void> request_drain(const ServiceName& service, const NodeId& node) {
    const std::lock_guard lock(mutex_);
    Pool& pool = pools_[service];
    if (!pool.state) return unknown(service);
    const auto hint = apply_drain_request(*pool.state, node);
    if (!hint) return tl::unexpected(hint.error());
    publish(pool, {*hint}, nullptr);
    return {};
  }

 private:
  struct Pool {
    std::optional<PoolState> state;
    std::vector<Mailbox*> mailboxes;  ///< Of the open sessions.
  };

  static StoreNow now() {
    using namespace std::chrono;
    return {.time = duration_cast<microseconds>(BootClock::now().time_since_epoch()),
            .unix_time = duration_cast<milliseconds>(system_clock::now().time_since_epoch()),
            .run_id = "memory",
            .proven_fresh = true};
  }

  static tl::unexpected<Error> unknown(const ServiceName& service) {
    return failure(ErrorCode::not_found,
                   "no node of service '" + service.str() + "' has ever joined; check the service's name");
  }

  static void publish(const Pool& pool, const std::vector<Hint>& hints, const Mailbox* except) {
    for (Mailbox* mailbox : pool.mailboxes) {
      if (mailbox != except) mailbox->put(hints);
    }
  }

  std::mutex mutex_;
  std::map<ServiceName, Pool> pools_;  ///< Guarded by mutex_.
};

class MemorySession final : public Session {
 public:
  MemorySession(std::shared_ptr<Store> store, ServiceName service)
      : store_(std::move(store)), service_(std::move(service)) {
    store_->attach(service_, &mailbox_);
  }
  ~MemorySession() override { store_->detach(service_, &mailbox_); }
  MemorySession(const MemorySession&) = delete;
  MemorySession& operator=(const MemorySession&) = delete;

  Result<SyncReply> sync(const SyncRequest& request, MonotonicTime /*deadline*/) override {
    return store_->sync(service_, request, &mailbox_);
  }

  Result<PoolStatus> status(MonotonicTime /*deadline*/) override { return store_->status(service_); }

  Result<void> request_drain(const NodeId& node, MonotonicTime /*deadline*/) override {
    return store_->request_drain(service_, node);
  }

  std::vector<Hint> wait(MonotonicTime until, int wake_fd) override {
    while (true) {
      const auto readable = driver::wait_readable(mailbox_.descriptor(), wake_fd, until);
      std::vector<Hint> hints = mailbox_.take();
      if (!hints.empty() || readable.second || BootClock::now() >= until) return hints;
    }
  }

 private:
  const std::shared_ptr<Store> store_;
  const ServiceName service_;
  Mailbox mailbox_;
};

class MemoryDriver final : public Driver {
 public:
  std::string describe() const override { return "memory"; }
  Capabilities capabilities() const noexcept override { return {}; }
  std::unique_ptr<Session> open(const ServiceName& service) override {
    return std::make_unique<MemorySession>(store_, service);
  }
  std::unique_ptr<Ledger> open_ledger(const ServiceName& service) override {
    return memory::open_ledger(ledgers_, service);
  }

 private:
  const std::shared_ptr<Store> store_ = std::make_shared<Store>();
  const std::shared_ptr<memory::Ledgers> ledgers_ = memory::make_ledgers();
};

}  // namespace

std::shared_ptr<Driver> open_memory() {
  return std::make_shared<MemoryDriver>();
}

}  // namespace nodepool
