// Early return on a failed absl::Status or absl::StatusOr (absl 20220623 has no such macros).
//
//   TM_RETURN_IF_ERROR(file->Sync());
//   TM_ASSIGN_OR_RETURN(const auto size, file->Size());
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define TM_RETURN_IF_ERROR(expression)                                               \
  do {                                                                               \
    if (absl::Status tm_status_ = (expression); !tm_status_.ok()) return tm_status_; \
  } while (false)

#define TM_CONCAT_INNER_(a, b) a##b
#define TM_CONCAT_(a, b) TM_CONCAT_INNER_(a, b)
#define TM_ASSIGN_OR_RETURN(declaration, expression) \
  TM_ASSIGN_OR_RETURN_INNER_(TM_CONCAT_(tm_statusor_, __LINE__), declaration, expression)
#define TM_ASSIGN_OR_RETURN_INNER_(statusor, declaration, expression) \
  auto statusor = (expression);                                       \
  if (!statusor.ok()) return std::move(statusor).status();            \
  declaration = *std::move(statusor)
