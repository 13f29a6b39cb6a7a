#include "tests/integration/faults/call_names.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark::faults {
namespace {

std::string PathBelow(std::string_view path, const std::vector<std::string>& scope) {
  for (const std::string& directory : scope) {
    // The directory's own name stays, it says whose file it is.
    if (path.starts_with(directory)) return std::string(path.substr(directory.rfind('/') + 1));
  }
  return std::string(path);
}

}  // namespace

std::string NamedCall::name() const {
  return absl::StrFormat("%s %s #%d", CallName(call), path, nth);
}

std::vector<NamedCall> NameCalls(std::vector<NotedCall> calls,
                                 const std::vector<std::string>& scope) {
  std::ranges::sort(calls, {}, &NotedCall::number);
  std::map<std::pair<Call, std::string>, std::uint32_t> times;
  std::vector<NamedCall> named;
  for (const NotedCall& call : calls) {
    if (!call.done) continue;
    std::string path = PathBelow(call.path, scope);
    const std::uint32_t nth = ++times[{call.call, path}];
    named.push_back({call.number, call.call, std::move(path), nth});
  }
  return named;
}

NamedCall NameCall(const NotedCall& struck, const std::vector<NotedCall>& calls,
                   const std::vector<std::string>& scope) {
  const auto before = std::ranges::count_if(calls, [&](const NotedCall& call) {
    return call.done && call.number < struck.number && call.call == struck.call &&
           call.path == struck.path;
  });
  return {struck.number, struck.call, PathBelow(struck.path, scope),
          static_cast<std::uint32_t>(before + 1)};
}

std::optional<NamedCall> ParseCallName(std::string_view name) {
  const std::size_t path_at = name.find(' ');
  const std::size_t nth_at = name.rfind(" #");
  if (path_at == std::string_view::npos || nth_at == std::string_view::npos || nth_at <= path_at) {
    return std::nullopt;
  }
  NamedCall call;
  for (auto i = static_cast<std::uint32_t>(Call::kCreate);
       i <= static_cast<std::uint32_t>(Call::kSync); ++i) {
    if (CallName(static_cast<Call>(i)) == name.substr(0, path_at)) call.call = static_cast<Call>(i);
  }
  call.path = std::string(name.substr(path_at + 1, nth_at - path_at - 1));
  const std::string_view nth = name.substr(nth_at + 2);
  const auto [end, error] = std::from_chars(nth.data(), nth.data() + nth.size(), call.nth);
  const bool whole = error == std::errc() && end == nth.data() + nth.size() && call.nth > 0;
  return whole && call.call != Call::kNone ? std::optional(call) : std::nullopt;
}

}  // namespace tidemark::faults
