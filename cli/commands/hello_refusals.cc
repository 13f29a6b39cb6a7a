#include "cli/commands/hello_refusals.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Event;
using sc::v1::Spu;

constexpr char kRefused[] = "hello.refused";
constexpr int kNewest = 100;  // one SPU that is refused writes a line each minute

bool StillTells(const Event& refusal, const sc::v1::ListSpusResponse& spus) {
  const auto& all = spus.spus();
  const auto spu = std::ranges::find_if(
      all, [&refusal](const Spu& one) { return one.id() == refusal.spu_id(); });
  if (spu == all.end()) return std::ranges::none_of(all, &Spu::attached);
  return !spu->attached() && refusal.at_unix_ms() >= spu->since_unix_ms();
}

}  // namespace

HelloRefusals FindHelloRefusals(const Invocation& invocation,
                                const sc::v1::ListSpusResponse& spus) {
  HelloRefusals newest;
  if (!spus.spus().empty() && std::ranges::all_of(spus.spus(), &Spu::attached)) return newest;
  sc::v1::ListEventsRequest request;
  request.set_contains(kRefused);
  request.set_limit(kNewest);
  const auto events = invocation.Controller().ListEvents(request);
  if (!events.ok()) return newest;
  for (const Event& event : events->events()) {  // newest last
    if (event.name() == kRefused && StillTells(event, spus)) newest[event.spu_id()] = event;
  }
  return newest;
}

std::string RefusedText(const Event& refusal) {
  return absl::StrFormat("refused at %s: %s", TimeText(refusal.at_unix_ms()), refusal.reason());
}

}  // namespace tidemark::cli
