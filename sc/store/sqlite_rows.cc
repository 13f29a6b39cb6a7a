#include "sc/store/sqlite_rows.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"

namespace tidemark::sc {
namespace {

// SQLite's integers are signed; a nonce uses all 64 bits.
std::int64_t ToSigned(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t ToUnsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// Upsert, not REPLACE: that would delete first and trip over the foreign key.
constexpr char kPutMeta[] =
    "INSERT INTO meta VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=excluded.value";
constexpr char kPutSpu[] =
    "INSERT INTO spus VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) ON CONFLICT(id) DO UPDATE SET "
    "uuid=excluded.uuid, boot_count=excluded.boot_count, boot_nonce=excluded.boot_nonce, "
    "attempt=excluded.attempt, session=excluded.session, grpc_endpoint=excluded.grpc_endpoint, "
    "http_endpoint=excluded.http_endpoint, version=excluded.version, "
    "replace_allowed=excluded.replace_allowed, registered_unix_ms=excluded.registered_unix_ms";
constexpr char kPutVolume[] =
    "INSERT INTO volumes VALUES(?1,?2,?3,?4,?5) ON CONFLICT(uuid) DO UPDATE SET "
    "spu_id=excluded.spu_id, path=excluded.path, accepted=excluded.accepted, "
    "accepted_unix_ms=excluded.accepted_unix_ms";
constexpr char kPutTopic[] =
    "INSERT INTO topics VALUES(?1,?2,?3,?4) ON CONFLICT(name) DO UPDATE SET "
    "partitions=excluded.partitions, policy=excluded.policy, "
    "created_unix_ms=excluded.created_unix_ms";
constexpr char kPutPartition[] =
    "INSERT INTO partitions VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) ON CONFLICT(id) DO UPDATE "
    "SET topic=excluded.topic, number=excluded.number, spu_id=excluded.spu_id, "
    "volume=excluded.volume, spec_version=excluded.spec_version, "
    "acked_version=excluded.acked_version, refusal=excluded.refusal, "
    "refusal_detail=excluded.refusal_detail, created_unix_ms=excluded.created_unix_ms, "
    "acked_unix_ms=excluded.acked_unix_ms";
constexpr char kPutTombstone[] =
    "INSERT INTO tombstones VALUES(?1,?2,?3,?4,?5) ON CONFLICT(id) DO NOTHING";
constexpr char kPutEvent[] =
    "INSERT INTO events VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(number) DO UPDATE SET "
    "name=excluded.name, subject=excluded.subject, reason=excluded.reason, "
    "spu_id=excluded.spu_id, volume=excluded.volume, event=excluded.event";

absl::StatusOr<base::Uuid> ReadUuid(const SqliteStatement& row, int column, const char* table) {
  const auto uuid = base::Uuid::FromBytes(row.Bytes(column));
  if (!uuid.has_value()) {
    return absl::DataLossError(absl::StrFormat("read table '%s': bad uuid", table));
  }
  return *uuid;
}

template <typename Message>
absl::Status ReadMessage(const SqliteStatement& row, int column, const char* table,
                         Message* message) {
  if (message->ParseFromString(row.Bytes(column))) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat("read table '%s': bad message", table));
}

template <typename Row, typename Read>
absl::StatusOr<std::vector<Row>> ReadAll(SqliteDatabase& database, std::string_view sql,
                                         Read read) {
  TM_ASSIGN_OR_RETURN(SqliteStatement statement, database.Prepare(sql));
  std::vector<Row> rows;
  while (true) {
    TM_ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) return rows;
    TM_RETURN_IF_ERROR(read(statement, rows.emplace_back()));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteBatchWriter>> SqliteBatchWriter::Prepare(
    SqliteDatabase& database) {
  std::unique_ptr<SqliteBatchWriter> writer(new SqliteBatchWriter());
  const std::pair<SqliteStatement*, const char*> statements[] = {
      {&writer->put_meta_, kPutMeta},
      {&writer->put_spu_, kPutSpu},
      {&writer->put_volume_, kPutVolume},
      {&writer->put_topic_, kPutTopic},
      {&writer->put_partition_, kPutPartition},
      {&writer->put_tombstone_, kPutTombstone},
      {&writer->put_event_, kPutEvent},
      {&writer->delete_topic_, "DELETE FROM topics WHERE name=?1"},
      {&writer->delete_partition_, "DELETE FROM partitions WHERE id=?1"},
      {&writer->delete_tombstone_, "DELETE FROM tombstones WHERE id=?1"},
      {&writer->delete_events_,
       "DELETE FROM events WHERE number IN (SELECT number FROM events ORDER BY number LIMIT ?1)"},
  };
  for (const auto& [statement, sql] : statements) {
    TM_ASSIGN_OR_RETURN(*statement, database.Prepare(sql));
  }
  return writer;
}

absl::Status SqliteBatchWriter::Write(const StoreBatch& batch) {
  if (batch.session.has_value()) {
    TM_RETURN_IF_ERROR(PutMeta("session", std::to_string(batch.session->value())));
  }
  if (batch.newest_partition_id.has_value()) {
    TM_RETURN_IF_ERROR(
        PutMeta("newest_partition_id", std::to_string(batch.newest_partition_id->value())));
  }
  TM_RETURN_IF_ERROR(WriteSpus(batch));
  TM_RETURN_IF_ERROR(WriteVolumes(batch));
  // The foreign key wants topics before their partitions, and partitions gone before their topic.
  TM_RETURN_IF_ERROR(WriteTopics(batch));
  TM_RETURN_IF_ERROR(WritePartitions(batch));
  TM_RETURN_IF_ERROR(WriteTombstones(batch));
  TM_RETURN_IF_ERROR(WriteDeletes(batch));
  return WriteEvents(batch);
}

absl::Status SqliteBatchWriter::PutMeta(std::string_view name, std::string_view value) {
  put_meta_.BindText(1, name);
  put_meta_.BindBlob(2, value);
  return put_meta_.Run();
}

absl::Status SqliteBatchWriter::DropOldestEvents(std::uint64_t count) {
  delete_events_.Bind(1, ToSigned(count));
  return delete_events_.Run();
}

absl::Status SqliteBatchWriter::WriteSpus(const StoreBatch& batch) {
  for (const SpuRecord& spu : batch.spus) {
    put_spu_.BindText(1, spu.id);
    put_spu_.BindBlob(2, spu.uuid.ToBytes());
    put_spu_.Bind(3, ToSigned(spu.boot_count));
    put_spu_.Bind(4, ToSigned(spu.boot_nonce));
    put_spu_.Bind(5, ToSigned(spu.attempt));
    put_spu_.Bind(6, ToSigned(spu.session.value()));
    put_spu_.BindText(7, spu.grpc_endpoint);
    put_spu_.BindText(8, spu.http_endpoint);
    put_spu_.BindText(9, spu.version);
    put_spu_.Bind(10, spu.replace_allowed ? 1 : 0);
    put_spu_.Bind(11, spu.registered_unix_ms);
    TM_RETURN_IF_ERROR(put_spu_.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteBatchWriter::WriteVolumes(const StoreBatch& batch) {
  for (const VolumeRecord& volume : batch.volumes) {
    put_volume_.BindBlob(1, volume.uuid.ToBytes());
    put_volume_.BindText(2, volume.spu_id);
    put_volume_.BindText(3, volume.path);
    put_volume_.BindBlob(4, volume.accepted.SerializeAsString());
    put_volume_.Bind(5, volume.accepted_unix_ms);
    TM_RETURN_IF_ERROR(put_volume_.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteBatchWriter::WriteTopics(const StoreBatch& batch) {
  for (const TopicRecord& topic : batch.topics) {
    put_topic_.BindText(1, topic.name);
    put_topic_.Bind(2, topic.partitions);
    put_topic_.BindBlob(3, topic.policy.SerializeAsString());
    put_topic_.Bind(4, topic.created_unix_ms);
    TM_RETURN_IF_ERROR(put_topic_.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteBatchWriter::WritePartitions(const StoreBatch& batch) {
  for (const PartitionRecord& partition : batch.partitions) {
    put_partition_.Bind(1, ToSigned(partition.id.value()));
    put_partition_.BindText(2, partition.topic);
    put_partition_.Bind(3, partition.index);
    put_partition_.BindText(4, partition.spu_id);
    put_partition_.BindBlob(5, partition.volume.ToBytes());
    put_partition_.Bind(6, ToSigned(partition.spec_version));
    put_partition_.Bind(7, ToSigned(partition.acked_version));
    put_partition_.Bind(8, partition.refusal);
    put_partition_.BindText(9, partition.refusal_detail);
    put_partition_.Bind(10, partition.created_unix_ms);
    put_partition_.Bind(11, partition.acked_unix_ms);
    TM_RETURN_IF_ERROR(put_partition_.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteBatchWriter::WriteTombstones(const StoreBatch& batch) {
  for (const Tombstone& tombstone : batch.tombstones) {
    put_tombstone_.Bind(1, ToSigned(tombstone.id.value()));
    put_tombstone_.BindText(2, tombstone.spu_id);
    put_tombstone_.BindBlob(3, tombstone.volume.ToBytes());
    put_tombstone_.BindText(4, tombstone.topic);
    put_tombstone_.Bind(5, tombstone.created_unix_ms);
    TM_RETURN_IF_ERROR(put_tombstone_.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteBatchWriter::WriteEvents(const StoreBatch& batch) {
  for (const EventRecord& event : batch.events) {
    put_event_.Bind(1, ToSigned(event.number()));
    put_event_.BindText(2, event.name());
    put_event_.BindText(3, event.subject());
    put_event_.BindText(4, event.reason());
    put_event_.BindText(5, event.spu_id());
    put_event_.BindText(6, event.volume());
    put_event_.BindBlob(7, event.SerializeAsString());
    TM_RETURN_IF_ERROR(put_event_.Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteBatchWriter::WriteDeletes(const StoreBatch& batch) {
  for (const base::PartitionId id : batch.deleted_partitions) {
    delete_partition_.Bind(1, ToSigned(id.value()));
    TM_RETURN_IF_ERROR(delete_partition_.Run());
  }
  for (const std::string& name : batch.deleted_topics) {
    delete_topic_.BindText(1, name);
    TM_RETURN_IF_ERROR(delete_topic_.Run());
  }
  for (const base::PartitionId id : batch.deleted_tombstones) {
    delete_tombstone_.Bind(1, ToSigned(id.value()));
    TM_RETURN_IF_ERROR(delete_tombstone_.Run());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SpuRecord>> ReadSpus(SqliteDatabase& database) {
  return ReadAll<SpuRecord>(
      database,
      "SELECT id, uuid, boot_count, boot_nonce, attempt, session, grpc_endpoint, http_endpoint, "
      "version, replace_allowed, registered_unix_ms FROM spus ORDER BY id",
      [](const SqliteStatement& row, SpuRecord& spu) -> absl::Status {
        spu.id = row.Bytes(0);
        TM_ASSIGN_OR_RETURN(spu.uuid, ReadUuid(row, 1, "spus"));
        spu.boot_count = ToUnsigned(row.Integer(2));
        spu.boot_nonce = ToUnsigned(row.Integer(3));
        spu.attempt = ToUnsigned(row.Integer(4));
        spu.session = base::SessionId(ToUnsigned(row.Integer(5)));
        spu.grpc_endpoint = row.Bytes(6);
        spu.http_endpoint = row.Bytes(7);
        spu.version = row.Bytes(8);
        spu.replace_allowed = row.Integer(9) != 0;
        spu.registered_unix_ms = row.Integer(10);
        return absl::OkStatus();
      });
}

absl::StatusOr<std::vector<VolumeRecord>> ReadVolumes(SqliteDatabase& database) {
  return ReadAll<VolumeRecord>(
      database, "SELECT uuid, spu_id, path, accepted, accepted_unix_ms FROM volumes ORDER BY uuid",
      [](const SqliteStatement& row, VolumeRecord& volume) -> absl::Status {
        TM_ASSIGN_OR_RETURN(volume.uuid, ReadUuid(row, 0, "volumes"));
        volume.spu_id = row.Bytes(1);
        volume.path = row.Bytes(2);
        TM_RETURN_IF_ERROR(ReadMessage(row, 3, "volumes", &volume.accepted));
        volume.accepted_unix_ms = row.Integer(4);
        return absl::OkStatus();
      });
}

absl::StatusOr<std::vector<TopicRecord>> ReadTopics(SqliteDatabase& database) {
  return ReadAll<TopicRecord>(
      database, "SELECT name, partitions, policy, created_unix_ms FROM topics ORDER BY name",
      [](const SqliteStatement& row, TopicRecord& topic) -> absl::Status {
        topic.name = row.Bytes(0);
        topic.partitions = static_cast<std::int32_t>(row.Integer(1));
        TM_RETURN_IF_ERROR(ReadMessage(row, 2, "topics", &topic.policy));
        topic.created_unix_ms = row.Integer(3);
        return absl::OkStatus();
      });
}

absl::StatusOr<std::vector<PartitionRecord>> ReadPartitions(SqliteDatabase& database) {
  return ReadAll<PartitionRecord>(
      database,
      "SELECT id, topic, number, spu_id, volume, spec_version, acked_version, refusal, "
      "refusal_detail, created_unix_ms, acked_unix_ms FROM partitions ORDER BY id",
      [](const SqliteStatement& row, PartitionRecord& partition) -> absl::Status {
        partition.id = base::PartitionId(ToUnsigned(row.Integer(0)));
        partition.topic = row.Bytes(1);
        partition.index = static_cast<std::int32_t>(row.Integer(2));
        partition.spu_id = row.Bytes(3);
        TM_ASSIGN_OR_RETURN(partition.volume, ReadUuid(row, 4, "partitions"));
        partition.spec_version = ToUnsigned(row.Integer(5));
        partition.acked_version = ToUnsigned(row.Integer(6));
        partition.refusal = static_cast<v1::AssignmentRefusal>(row.Integer(7));
        partition.refusal_detail = row.Bytes(8);
        partition.created_unix_ms = row.Integer(9);
        partition.acked_unix_ms = row.Integer(10);
        return absl::OkStatus();
      });
}

absl::StatusOr<std::vector<Tombstone>> ReadTombstones(SqliteDatabase& database) {
  return ReadAll<Tombstone>(
      database, "SELECT id, spu_id, volume, topic, created_unix_ms FROM tombstones ORDER BY id",
      [](const SqliteStatement& row, Tombstone& tombstone) -> absl::Status {
        tombstone.id = base::PartitionId(ToUnsigned(row.Integer(0)));
        tombstone.spu_id = row.Bytes(1);
        TM_ASSIGN_OR_RETURN(tombstone.volume, ReadUuid(row, 2, "tombstones"));
        tombstone.topic = row.Bytes(3);
        tombstone.created_unix_ms = row.Integer(4);
        return absl::OkStatus();
      });
}

absl::StatusOr<std::string> ReadMeta(SqliteDatabase& database, std::string_view name) {
  TM_ASSIGN_OR_RETURN(SqliteStatement statement,
                      database.Prepare("SELECT value FROM meta WHERE name=?1"));
  statement.BindText(1, name);
  TM_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Bytes(0) : std::string();
}

absl::StatusOr<std::vector<EventRecord>> ReadEvents(
    SqliteStatement& statement, std::size_t limit,
    const std::function<bool(const EventRecord&)>& wanted) {
  std::vector<EventRecord> events;
  while (events.size() < limit) {
    TM_ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) break;
    EventRecord event;
    TM_RETURN_IF_ERROR(ReadMessage(statement, 0, "events", &event));
    if (wanted(event)) events.push_back(std::move(event));
  }
  return events;
}

}  // namespace tidemark::sc
