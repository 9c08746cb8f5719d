#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "nodepool/driver.hpp"

namespace nodepool::test {

/// A driver that goes wrong on demand: one line to a store that other drivers reach without fault.
/// Thread-safe.
class FaultyDriver final : public Driver {
 public:
  enum class Mode {
    good,
    fail,        ///< Answers "unavailable" at once; the store hears nothing.
    hang,        ///< Answers nothing until the deadline or until the mode changes; the store hears nothing.
    lose_reply,  ///< The store hears the request, the caller nothing.
    refuse,      ///< Answers "permission_denied".
    hurl         ///< Throws, as no driver should.
  };

  explicit FaultyDriver(std::shared_ptr<Driver> inner) : inner_(std::move(inner)) {}

  void set(Mode mode) {
    {
      const std::lock_guard lock(faults_->mutex);
      faults_->mode = mode;
    }
    faults_->changed.notify_all();
  }
  /// How many syncs were called, answered or not.
  [[nodiscard]] int syncs() const noexcept { return faults_->syncs.load(); }

  std::string describe() const override { return "faulty " + inner_->describe(); }
  Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  std::unique_ptr<Session> open(const ServiceName& service) override {
    return std::make_unique<FaultySession>(faults_, inner_->open(service));
  }
  /// Without faults.
  std::unique_ptr<Ledger> open_ledger(const ServiceName& service) override {
    return inner_->open_ledger(service);
  }

 private:
  struct Faults {
    std::mutex mutex;
    std::condition_variable changed;
    Mode mode = Mode::good;  ///< Guarded by mutex.
    std::atomic<int> syncs{0};
  };

  class FaultySession final : public Session {
   public:
    FaultySession(std::shared_ptr<Faults> faults, std::unique_ptr<Session> inner)
        : faults_(std::move(faults)), inner_(std::move(inner)) {}

    Result<SyncReply> sync(const SyncRequest& request, MonotonicTime deadline) override {
      ++faults_->syncs;
      std::unique_lock lock(faults_->mutex);
      const auto released = [&] { return faults_->mode != Mode::hang; };
      while (!released() && BootClock::now() < deadline) {
        faults_->changed.wait_for(lock, deadline - BootClock::now(), released);
      }
      const Mode mode = faults_->mode;
      lock.unlock();
      switch (mode) {
        case Mode::good:
          return inner_->sync(request, deadline);
        case Mode::fail:
          return failure(ErrorCode::unavailable, "the cable is cut");
        case Mode::hang:
          return failure(ErrorCode::outcome_unknown, "no reply in time");
        case Mode::lose_reply:
          static_cast<void>(inner_->sync(request, deadline));
          return failure(ErrorCode::outcome_unknown, "the reply was lost");
        case Mode::refuse:
          return failure(ErrorCode::permission_denied, "the store wants a password");
        case Mode::hurl:
          throw std::runtime_error("a driver threw");
      }
      return failure(ErrorCode::internal, "no such mode");
    }
    Result<PoolStatus> status(MonotonicTime deadline) override { return inner_->status(deadline); }
    Result<void> request_drain(const NodeId& node, MonotonicTime deadline) override {
      return inner_->request_drain(node, deadline);
    }
    std::vector<Hint> wait(MonotonicTime until, int wake_fd) override { return inner_->wait(until, wake_fd); }

   private:
    const std::shared_ptr<Faults> faults_;
    const std::unique_ptr<Session> inner_;
  };

  const std::shared_ptr<Faults> faults_ = std::make_shared<Faults>();
  const std::shared_ptr<Driver> inner_;
};

}  // namespace nodepool::test
