variable "name" {
  description = "The name of the function, and of all that belongs to it"
  type        = string
  default     = "hooks"
}

variable "package" {
  description = "The archive that `cargo lambda build --release --arm64 --output-format zip` has made"
  type        = string
}

variable "fhir_base_url" {
  description = "The FHIR server, as in https://fhir.example.org/r4"
  type        = string
  validation {
    condition     = startswith(var.fhir_base_url, "https://")
    error_message = "Write an https URL."
  }
}

variable "fhir_server" {
  description = "auto, generic, hapi, medplum, helios, aidbox, firely, healthlake, oystehr, athenahealth or fhir-works"
  type        = string
  default     = "auto"
}

variable "fhir_version" {
  description = "R4, R4B or R5"
  type        = string
  default     = "R4"
  validation {
    condition     = contains(["R4", "R4B", "R5"], var.fhir_version)
    error_message = "fhir_version must be R4, R4B or R5."
  }
}

variable "fhir_auth_secret_arn" {
  description = "A secret whose key `bearer` signs in at the FHIR server; null if the server asks for none"
  type        = string
  default     = null
}

variable "queue" {
  description = "Whether notifications go through a queue, for handlers that take longer than the FHIR server waits"
  type        = bool
  default     = false
}

variable "sweep_minutes" {
  description = "How often a sweep looks for what no notification reported, in minutes from 2 to 15"
  type        = number
  default     = 5
  validation {
    condition     = var.sweep_minutes >= 2 && var.sweep_minutes <= 15
    error_message = "sweep_minutes must be from 2 to 15: the alarms expect a sweep in each quarter of an hour."
  }
}

variable "prune" {
  description = "Whether a deployment removes Subscriptions that the program no longer has, and `destroy` removes all of them"
  type        = bool
  default     = false
}

variable "alarm_email" {
  description = "Who gets the alarms; null to subscribe to the topic yourself"
  type        = string
  default     = null
}

variable "lag_seconds" {
  description = "The alarm Lag rings if an event was handled later than this"
  type        = number
  default     = 300
}

variable "refused_in_five_minutes" {
  description = "The alarm Refused rings if more requests and events than this were refused"
  type        = number
  default     = 20
}

variable "log_days" {
  description = "How long logs are kept. They name resources by reference"
  type        = number
  default     = 365
}
