{{- /* The password: the one given, else the one that an earlier install stored, else a new one. */ -}}
{{- define "postgres.password" -}}
{{- $stored := lookup "v1" "Secret" .Release.Namespace (printf "%s-postgres" .Release.Name) -}}
{{- if .Values.password -}}
{{ .Values.password }}
{{- else if $stored -}}
{{ index $stored.data "password" | b64dec }}
{{- else -}}
{{ randAlphaNum 24 }}
{{- end -}}
{{- end -}}

{{- define "postgres.labels" -}}
app.kubernetes.io/name: postgres
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: database
{{- end -}}
