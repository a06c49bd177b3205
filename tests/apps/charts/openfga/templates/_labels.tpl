{{- define "openfga.labels" -}}
app.kubernetes.io/name: openfga
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "openfga.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "openfga.datastore" -}}
- name: OPENFGA_DATASTORE_ENGINE
  value: postgres
- name: OPENFGA_DATASTORE_URI
  valueFrom:
    secretKeyRef:
      name: {{ .Values.datastore.existingSecret }}
      key: {{ .Values.datastore.key }}
{{- end -}}

{{- define "openfga.security" -}}
runAsNonRoot: true
runAsUser: 65532
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
{{- end -}}
