// Who this SPU is: kept in its small state directory, apart from the volumes.
#pragma once

#include <cstdint>

#include "base/uuid.h"

namespace tidemark::spu {

struct IdentityRecord {
  base::Uuid spu_uuid;
  // Grows by one with every start, durable before the first Hello.
  std::uint64_t boot_count = 0;
  // Nil before the first Welcome: then the first cluster that answers is ours for good.
  base::Uuid cluster_id;
  std::uint64_t store_epoch = 0;
  // The SC's last word was that another is this SPU, or has its volumes: no appends before it has
  // taken us in, also after a restart while it is away.
  bool fenced = false;

  bool operator==(const IdentityRecord&) const = default;
};

}  // namespace tidemark::spu
