#pragma once

#include <string>

namespace nodepool::cli {

/// Notices that a file has another content, by what the file system tells of it: so it works on every file
/// system, for files that are replaced, and for links that are turned to other files. Belongs to one thread.
class FileWatch {
 public:
  /// What is there now counts as known.
  explicit FileWatch(std::string path);

  /// To be called now and then: true once after each change, when the file has stayed as it is since the call
  /// before. A file that is gone is no change: it may come back.
  [[nodiscard]] bool has_changed();
  /// What is there now counts as known.
  void renew();

 private:
  [[nodiscard]] std::string look() const;  ///< Empty: there is no file.

  const std::string path_;
  std::string known_;
  std::string last_;
};

}  // namespace nodepool::cli
