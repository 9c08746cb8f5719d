#include "tidy/source_file.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <utility>

#include "tidy/blank_literals.hpp"

namespace nodepool::tidy {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

/// Folders that hold nothing that we wrote.
bool is_foreign(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name == ".git" || name == ".cache" || name == "build" || name.starts_with("build-") ||
         fs::exists(folder / "CMakeCache.txt");
}

bool is_word_byte(char byte) {
  return byte == '_' || std::isalnum(static_cast<unsigned char>(byte)) != 0;
}

}  // namespace

bool SourceFile::is_header() const {
  return path.ends_with(".hpp") || path.ends_with(".h");
}

bool SourceFile::is_cxx() const {
  return is_header() || path.ends_with(".cpp");
}

bool SourceFile::is_in(std::string_view folder) const {
  return path.starts_with(folder);
}

Finding SourceFile::finding(std::size_t line_index, std::string rule, std::string message) const {
  return {path, line_index + 1, std::move(rule), std::move(message)};
}

SourceFile parse_source(std::string path, const std::string& text) {
  SourceFile file;
  file.path = std::move(path);
  file.lines = split_lines(text);
  if (file.is_cxx()) {
    file.code = split_lines(blank_literals(text));
  }
  return file;
}

std::vector<SourceFile> load_tree(const fs::path& root) {
  std::vector<SourceFile> files;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    if (entry->is_directory()) {
      if (is_foreign(entry->path())) {
        entry.disable_recursion_pending();
      }
      continue;
    }
    if (!entry->is_regular_file()) {
      continue;
    }
    std::ifstream stream(entry->path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (text.find('\0') == std::string::npos) {
      files.push_back(parse_source(entry->path().lexically_relative(root).generic_string(), text));
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

bool has_word(std::string_view line, std::string_view token) {
  for (std::size_t at = line.find(token); at != std::string_view::npos; at = line.find(token, at + 1)) {
    const std::size_t end = at + token.size();
    const bool starts = !is_word_byte(token.front()) || at == 0 || !is_word_byte(line[at - 1]);
    const bool ends = !is_word_byte(token.back()) || end == line.size() || !is_word_byte(line[end]);
    if (starts && ends) {
      return true;
    }
  }
  return false;
}

}  // namespace nodepool::tidy
