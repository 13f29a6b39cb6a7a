// A volume as people see it, whoever told us of it: its SPU now, or the SC from the last report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/table.h"
#include "tidemark/sc/v1/admin.pb.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::cli {

struct VolumeView {
  std::string spu_id;
  std::string endpoint;
  // As the SC sees it; empty where the SPU was asked itself.
  std::string reach;
  bool reachable = true;
  bool absent = false;  // its SPU is attached and does not have it
  // Not reachable, and told by the SC: what is shown was, and nobody says what is.
  bool last_known() const { return reported && !reachable && report_age_ms >= 0; }
  // Told of by its SPU, now or once to the SC. Else nothing is known but that it is there.
  bool reported = true;
  space::v1::Volume volume;
  std::int64_t bytes_short = 0;
  std::int64_t report_age_ms = -1;  // -1: the SPU told it now
};

VolumeView ViewOf(const sc::v1::ScVolume& volume, const sc::v1::Spu& spu);
VolumeView ViewOf(const space::v1::Volume& volume, const std::string& spu_id,
                  const std::string& endpoint);

// "Ready" only of one that accepts now; else why it does not, or "Unknown (was Ready)", or "Unknown
// (no report yet)". Whoever shows a view says it so.
std::string VerdictText(const VolumeView& view);
// Bad if held; a warning if what is shown is only the last known.
Color VolumeColor(const VolumeView& view);
Table VolumeTable(const std::vector<VolumeView>& volumes);
// Everything known, in lines.
std::string Described(const VolumeView& view);

}  // namespace tidemark::cli
