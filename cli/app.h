// The whole `tidemark` command as a function, so that tests run it as a person would.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace tidemark::cli {

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool colors = false;
};

// `arguments` without the program's name. Returns the exit status.
int RunTidemark(const std::vector<std::string>& arguments, const Streams& streams);

}  // namespace tidemark::cli
