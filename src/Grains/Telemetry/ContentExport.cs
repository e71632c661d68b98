using System.Diagnostics;

namespace CozeCluster.Grains;

/// <summary>
/// Adds what was sent and what was answered to the spans of attempts, for tenants with <see cref="TenantDefinition.TelemetryContent"/>, while the names for
/// generative AI are recorded. Otherwise nothing is created.
/// </summary>
internal sealed class ContentExport(IFleetView fleet, ISecretFilter secrets)
{
    /// <summary>Decides whether the content of a turn that begins to run may be exported.</summary>
    public void Begin(LiveTurn turn) => turn.ExportsContent = GenAiTelemetry.IsEnabled && IsOn(turn);

    /// <summary>Describes the span of an attempt that has ended. Called while its credential is in use. Never throws.</summary>
    public void Describe(Activity? span, LiveTurn turn)
    {
        // Asked once more, because the tenant may not want it any more.
        if (!turn.ExportsContent || span is not { IsAllDataRequested: true } || !IsOn(turn)) return;
        if (turn.PendingRelease is { } sent && GenAiMessages.OfPrompt(sent.Turn, secrets) is { } prompt) span.SetTag(GenAiMessages.Input, prompt);
        if (GenAiMessages.OfReply(turn.Log, secrets) is { } reply) span.SetTag(GenAiMessages.Output, reply);
    }

    private bool IsOn(LiveTurn turn)
    {
        try
        {
            return fleet.FindTenant(turn.Progress.Row.TenantId) is { TelemetryContent: true };
        }
        catch (ClusterException)
        {
            // Without a current fleet, nobody knows whether the tenant wants it.
            return false;
        }
    }
}
