namespace CozeCluster.Silo.Hosting;

/// <summary>What a node sends to a collector of OpenTelemetry.</summary>
internal sealed record TelemetrySettings
{
    private const string Prefix = "OTEL_";
    private const string Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";

    /// <summary>Whether metrics are sent.</summary>
    public required bool SendsMetrics { get; init; }

    /// <summary>Whether spans are created and sent.</summary>
    public required bool SendsTraces { get; init; }

    /// <summary>Whether measurements have the names of the conventions for generative AI, too.</summary>
    public required bool GenAi { get; init; }

    /// <summary>Whether upstreams receive the trace.</summary>
    public required bool ForwardsTrace { get; init; }

    /// <summary>The variables of OpenTelemetry, which its libraries read. Those with headers hold secrets.</summary>
    public required IReadOnlyDictionary<string, string?> Variables { get; init; }

    /// <summary>The name of the type, without secrets.</summary>
    public override string ToString() => nameof(TelemetrySettings);

    /// <summary>Reads the settings. An address that is none is reported.</summary>
    public static TelemetrySettings Read(SettingSource source)
    {
        var otlp = source[Settings.Otlp];
        // Libraries ignore an address that they cannot read.
        if (otlp.Text is { } text && !IsAddress(text)) otlp.Report("expected the address of a collector, such as http://127.0.0.1:4318.");
        var variables = source.Variables.Where(variable => variable.Key.StartsWith(Prefix, StringComparison.Ordinal)).ToDictionary();
        // The default of the specification. The library has another one.
        variables.TryAdd(Protocol, "http/protobuf");
        if (otlp.Text is not null) variables[Settings.Otlp.Variable] = otlp.Text;
        return new TelemetrySettings
        {
            SendsMetrics = Sends("METRICS"),
            SendsTraces = Sends("TRACES"),
            GenAi = source[Settings.GenaiTelemetry].Flag(),
            ForwardsTrace = source[Settings.ForwardTrace].Flag(),
            Variables = variables,
        };

        bool Sends(string signal) => (otlp.Text is not null || variables.GetValueOrDefault($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") is { Length: > 0 })
            && variables.GetValueOrDefault($"OTEL_{signal}_EXPORTER") != "none" && variables.GetValueOrDefault("OTEL_SDK_DISABLED") != "true";
    }

    private static bool IsAddress(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https";
}
