#pragma once

#include <string>

#include "driver/common/descriptor.hpp"

namespace nodepool::sqlite {

/// A small file beside the store (PATH-hint) that is written to exactly when something has happened that
/// others should look at. The others watch it with inotify: the store's own files change with every
/// heartbeat. Its content means nothing, and it may be deleted at any time: it is made again, and what was
/// missed is learnt at the next heartbeat.
class HintFile {
 public:
  /// Starts to watch; what is announced from now on is noticed. Does nothing if it watches this file already.
  void watch(const std::string& path);
  /// Readable once something was announced; -1 where no watch can be had: then the caller has to look by
  /// itself.
  [[nodiscard]] int descriptor() const noexcept { return watching_ ? inotify_.get() : -1; }
  /// Forgets what `descriptor` has told so far.
  void drain();
  /// Tells all who watch. Best effort.
  void announce() noexcept;

 private:
  void open() noexcept;

  std::string path_;
  driver::Descriptor file_;
  driver::Descriptor inotify_;
  bool watching_ = false;
};

}  // namespace nodepool::sqlite
