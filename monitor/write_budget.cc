#include "monitor/write_budget.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/check.h"

namespace tidemark::monitor {

std::string BudgetRefusal::ToString() const {
  switch (reason) {
    case Reason::kNoReading:
      return "no reading of the free space yet";
    case Reason::kLeaseOut:
      return "the last reading of the free space is too old";
    case Reason::kBytes:
      return absl::StrFormat("want %s: %s available, full mark %s, %s taken since the reading",
                             base::FormatByteSize(wanted_bytes),
                             base::FormatByteSize(available_bytes),
                             base::FormatByteSize(full_bytes), base::FormatByteSize(unseen_bytes));
    case Reason::kInodes:
      return absl::StrFormat(
          "want %d inodes: %d available, full mark %d, %d taken since the reading", wanted_inodes,
          available_inodes, full_inodes, unseen_inodes);
  }
  return "unknown reason";
}

WriteBudget::WriteBudget(const Marks& marks) { SetMarks(marks); }

void WriteBudget::SetMarks(const Marks& marks) {
  full_bytes_ = marks.full_bytes;
  full_inodes_ = marks.full_inodes;
}

void WriteBudget::OnReading(const SpaceReading& reading, base::MonotonicTime lease_until) {
  if (reading_ && reading.started <= reading_->started) return;
  reading_ = reading;
  lease_until_ = lease_until;
  // Strictly before: an allocation that ended in the very moment the reading began may be missing.
  std::erase_if(allocations_, [&](const Allocation& allocation) {
    return allocation.completed && *allocation.completed < reading.started;
  });
  unseen_bytes_ = 0;
  unseen_inodes_ = 0;
  for (const Allocation& allocation : allocations_) {
    unseen_bytes_ += allocation.bytes;
    unseen_inodes_ += allocation.inodes;
  }
}

void WriteBudget::Invalidate() { reading_.reset(); }

WriteBudget::Answer WriteBudget::Request(std::int64_t bytes, std::int64_t inodes,
                                         base::MonotonicTime now) {
  TM_CHECK(bytes >= 0 && inodes >= 0);
  BudgetRefusal refusal;
  refusal.wanted_bytes = bytes;
  refusal.wanted_inodes = inodes;
  refusal.full_bytes = full_bytes_;
  refusal.full_inodes = full_inodes_;
  refusal.unseen_bytes = unseen_bytes_;
  refusal.unseen_inodes = unseen_inodes_;
  if (!reading_) return refusal;
  refusal.available_bytes = reading_->available_bytes;
  refusal.available_inodes = reading_->inodes_available;
  const BudgetSnapshot budget = Snapshot(now);
  if (!budget.valid) {
    refusal.reason = BudgetRefusal::Reason::kLeaseOut;
    return refusal;
  }
  if (bytes > budget.bytes) {
    refusal.reason = BudgetRefusal::Reason::kBytes;
    return refusal;
  }
  if (budget.counts_inodes && inodes > budget.inodes) {
    refusal.reason = BudgetRefusal::Reason::kInodes;
    return refusal;
  }
  ++last_grant_;
  allocations_.push_back({last_grant_, bytes, inodes, std::nullopt});
  unseen_bytes_ += bytes;
  unseen_inodes_ += inodes;
  return last_grant_;
}

std::vector<WriteBudget::Allocation>::iterator WriteBudget::Find(GrantId grant) {
  const auto found = std::find_if(allocations_.begin(), allocations_.end(),
                                  [grant](const Allocation& a) { return a.grant == grant; });
  TM_CHECK(found != allocations_.end() && !found->completed);
  return found;
}

void WriteBudget::Complete(GrantId grant, base::MonotonicTime now) { Find(grant)->completed = now; }

void WriteBudget::Abandon(GrantId grant) {
  const auto found = Find(grant);
  unseen_bytes_ -= found->bytes;
  unseen_inodes_ -= found->inodes;
  allocations_.erase(found);
}

BudgetSnapshot WriteBudget::Snapshot(base::MonotonicTime now) const {
  BudgetSnapshot budget;
  if (!reading_) return budget;
  budget.valid = now < lease_until_;
  budget.bytes = reading_->available_bytes - full_bytes_ - unseen_bytes_;
  budget.inodes = reading_->inodes_available - full_inodes_ - unseen_inodes_;
  budget.counts_inodes = reading_->counts_inodes;
  budget.reading_started = reading_->started;
  return budget;
}

}  // namespace tidemark::monitor
