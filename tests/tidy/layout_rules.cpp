#include <algorithm>
#include <array>
#include <string>

#include "tidy/rules.hpp"

namespace nodepool::tidy {
namespace {

constexpr std::size_t kMaxColumns = 110;
constexpr std::size_t kMaxFileLines = 400;

/// Data may be as long as it likes.
bool is_written_by_hand(const SourceFile& file) {
  constexpr std::array kFolders = {"src/", "include/", "tests/", "examples/", "cmake/"};
  constexpr std::array kEndings = {".hpp", ".cpp", ".h", ".lua", ".txt", ".cmake", ".sh"};
  return std::any_of(kFolders.begin(), kFolders.end(), [&](auto folder) { return file.is_in(folder); }) &&
         std::any_of(kEndings.begin(), kEndings.end(), [&](auto end) { return file.path.ends_with(end); });
}

/// Of UTF-8 text: the bytes that continue a character take no column.
std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

void check_layout(const SourceFile& file, std::vector<Finding>& findings) {
  if (!is_written_by_hand(file)) {
    return;
  }
  // The words are put together here so that this file does not find itself.
  constexpr std::array kUnfinished = {
      "TO"
      "DO",
      "FIX"
      "ME",
      "X"
      "XX"};
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (columns(line) > kMaxColumns) {
      findings.push_back(file.finding(
          i, "line-length",
          "has " + std::to_string(columns(line)) + " columns; break it at " + std::to_string(kMaxColumns)));
    }
    if (line.find('\t') != std::string::npos) {
      findings.push_back(file.finding(i, "tab", "has a tab; use spaces"));
    }
    if (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
      findings.push_back(file.finding(i, "trailing-blank", "ends in a blank; remove it"));
    }
    for (const char* word : kUnfinished) {
      if (has_word(line, word)) {
        findings.push_back(file.finding(i, "unfinished", std::string("says ") + word + "; finish it"));
      }
    }
  }
  if (file.lines.size() > kMaxFileLines) {
    findings.push_back(file.finding(kMaxFileLines, "file-length",
                                    "the file has " + std::to_string(file.lines.size()) +
                                        " lines; split it at " + std::to_string(kMaxFileLines)));
  }
}

void check_places(const SourceFile& file, std::vector<Finding>& findings) {
  constexpr std::array kPlaces = {
      "/wo"
      "rk/",
      "../sha"
      "red",
      "/tmp/bash"
      "_jobs",
      "/tmp/n"
      "b/"};
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    for (const char* place : kPlaces) {
      if (file.lines[i].find(place) != std::string::npos) {
        findings.push_back(file.finding(
            i, "private-place", std::string("mentions ") + place + ", which no reader has; remove it"));
      }
    }
  }
}

}  // namespace nodepool::tidy
