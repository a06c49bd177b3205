{{- define "ledger.labels" -}}
app.kubernetes.io/name: ledger
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ledger.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "ledger.databaseSecret" -}}
{{ .Values.database.existingSecret | default (printf "%s-database" .Release.Name) }}
{{- end -}}

{{- /* The password: the one given, else the one that an earlier install stored, else a new one. */ -}}
{{- define "ledger.password" -}}
{{- $stored := lookup "v1" "Secret" .Release.Namespace (printf "%s-postgres" .Release.Name) -}}
{{- if .Values.postgres.password -}}
{{ .Values.postgres.password }}
{{- else if $stored -}}
{{ index $stored.data "password" | b64dec }}
{{- else -}}
{{ randAlphaNum 24 }}
{{- end -}}
{{- end -}}

{{- define "ledger.security" -}}
runAsNonRoot: true
runAsUser: 65532
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
{{- end -}}

{{- /* What every role is told. Only what is set is said, so that a pod shows at a glance how it will misbehave. */ -}}
{{- define "ledger.env" -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "ledger.databaseSecret" . }}
      key: {{ .Values.database.key }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
{{- if .Values.seedRows }}
- name: LEDGER_SEED_ROWS
  value: {{ int64 .Values.seedRows | quote }}
{{- end }}
{{- with .Values.behaviour }}
{{- if .strictSchema }}
- name: LEDGER_STRICT_SCHEMA
  value: "on"
{{- end }}
{{- if .slowMigration }}
- name: LEDGER_SLOW_MIGRATION
  value: {{ .slowMigration | quote }}
{{- end }}
{{- if .lockingMigration }}
- name: LEDGER_LOCKING_MIGRATION
  value: {{ .lockingMigration | quote }}
{{- end }}
{{- if .hungryMigration }}
- name: LEDGER_HUNGRY_MIGRATION
  value: {{ .hungryMigration | quote }}
{{- end }}
{{- if .failingMigration }}
- name: LEDGER_FAILING_MIGRATION
  value: {{ .failingMigration | toString | quote }}
{{- end }}
{{- if .neverReady }}
- name: LEDGER_NEVER_READY
  value: "on"
{{- end }}
{{- if .leakTransaction }}
- name: LEDGER_LEAK_TRANSACTION
  value: "on"
{{- end }}
{{- if .crashAfterSeconds }}
- name: LEDGER_CRASH_AFTER_SECONDS
  value: {{ int64 .crashAfterSeconds | quote }}
{{- end }}
{{- if .ignoreSigtermSeconds }}
- name: LEDGER_IGNORE_SIGTERM_SECONDS
  value: {{ int64 .ignoreSigtermSeconds | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The pod of a hook Job; called with the chart's root, a role of the program and, if it has one, its memory limit. */ -}}
{{- define "ledger.hookPod" -}}
metadata:
  labels:
    {{- include "ledger.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  containers:
    - name: ledger
      image: {{ include "ledger.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [{{ .role }}]
      env: {{- include "ledger.env" .root | nindent 8 }}
      {{- with .memoryLimit }}
      resources:
        limits: { memory: {{ . }} }
      {{- end }}
      securityContext: {{- include "ledger.security" .root | nindent 8 }}
{{- end -}}
