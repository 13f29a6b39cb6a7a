#include "cli/commands/hello_refusals.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Event;
using sc::v1::Spu;

constexpr char kRefused[] = "hello.refused";
constexpr int kNewest = 200;  // one SPU that is refused writes a line each minute

// Who goes on trying writes a line each minute: what is older has ended.
constexpr base::WallMillis kGoesOnMs = 120'000;

const Spu* FindSpu(const std::string& id, const sc::v1::ListSpusResponse& spus) {
  const auto spu =
      std::ranges::find_if(spus.spus(), [&id](const Spu& one) { return one.id() == id; });
  return spu == spus.spus().end() ? nullptr : &*spu;
}

bool StillTells(const Event& refusal, const Spu* spu, bool any_attached) {
  const base::WallMillis ago = base::SystemClock().WallNow() - refusal.at_unix_ms();
  const bool goes_on = std::abs(ago) <= kGoesOnMs;  // clocks differ
  if (spu == nullptr) return goes_on || !any_attached;
  return refusal.at_unix_ms() >= spu->since_unix_ms() && (goes_on || !spu->attached());
}

}  // namespace

HelloRefusals FindHelloRefusals(const Invocation& invocation,
                                const sc::v1::ListSpusResponse& spus) {
  HelloRefusals newest;
  const bool any_attached = std::ranges::any_of(spus.spus(), &Spu::attached);
  const bool all_attached = any_attached && std::ranges::all_of(spus.spus(), &Spu::attached);
  sc::v1::ListEventsRequest request;
  request.set_limit(kNewest);
  // A search reads the whole history where nothing is found. Where nobody is missed the newest
  // events will do: `status` may be asked each second.
  if (!all_attached) request.set_contains(kRefused);
  const auto events = invocation.Controller().ListEvents(request);
  if (!events.ok()) return newest;
  for (const Event& event : events->events()) {  // newest last
    const Spu* spu = FindSpu(event.spu_id(), spus);
    if (event.name() != kRefused || !StillTells(event, spu, any_attached)) continue;
    newest[event.spu_id()] = {event, spu != nullptr && spu->attached()};
  }
  return newest;
}

std::string RefusedText(const HelloRefusal& refusal) {
  return absl::StrFormat("%srefused at %s: %s",
                         refusal.of_another ? "another process of this id was " : "",
                         TimeText(refusal.event.at_unix_ms()), refusal.event.reason());
}

}  // namespace tidemark::cli
