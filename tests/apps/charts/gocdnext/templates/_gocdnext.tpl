{{- define "gocdnext.name" -}}
{{ .Values.nameOverride | default .Chart.Name }}
{{- end -}}

{{- /* RELEASE-gocdnext, also where the release itself is called gocdnext. */ -}}
{{- define "gocdnext.fullname" -}}
{{ .Release.Name }}-{{ include "gocdnext.name" . }}
{{- end -}}

{{- define "gocdnext.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gocdnext.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "gocdnext.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/name: {{ include "gocdnext.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "gocdnext.image" -}}
{{- $image := printf "%s:%s" .image.repository (.image.tag | default .root.Chart.AppVersion) -}}
{{ with .root.Values.global.imageRegistry }}{{ . }}/{{ end }}{{ $image }}
{{- end -}}

{{- /* An environment variable from a key of the chart's own Secret, or from one that is there. */ -}}
{{- define "gocdnext.token" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .from.existingSecret | default (printf "%s-server-tokens" (include "gocdnext.fullname" .root)) }}
      key: {{ ternary .existingKey .key (ne .from.existingSecret "") }}
      optional: true
{{- end -}}

{{- define "gocdnext.agentToken" -}}
valueFrom:
  secretKeyRef:
    name: {{ .Values.agent.tokenSecret.existingSecret | default (printf "%s-agent-token" (include "gocdnext.fullname" .)) }}
    key: token
{{- end -}}
