// Partitions as the table every command shows them in.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include "cli/table.h"
#include "tidemark/sc/v1/admin.pb.h"

namespace tidemark::cli {

Table PartitionTable(const google::protobuf::RepeatedPtrField<sc::v1::Partition>& partitions);

}  // namespace tidemark::cli
