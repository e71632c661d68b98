namespace CozeCluster.Grains;

// Builds the prompt, and saves that it is about to be sent to an upstream that cannot find the exchange again.
internal sealed partial class TurnRunner
{
    /// <summary>How many earlier replies are searched for the upstream's ids of tool calls.</summary>
    private const int MaxAnsweredTurns = 32;

    /// <summary>The largest number of attempts, with those on the fallback.</summary>
    private const int MaxTotalAttempts = 10;

    private static LeaseRequest NewLeaseRequest(TurnRequest request, int attempt, IReadOnlyList<string> excludedAccounts, string? preferredAccount) =>
        new($"{request.TurnId}.{attempt}", excludedAccounts, preferredAccount)
        {
            TenantId = request.TenantId,
            CredentialUpstream = request.Credential?.Upstream,
        };

    /// <summary>Begins the use of the request's credential, if the account takes it.</summary>
    private CredentialUse? UseCredential(TurnRequest request, Lease lease) =>
        lease.Account.CredentialFromRequest && request.Credential is { Value: not null } given && given.Upstream == lease.Account.Upstream
            ? credentials.Use(given)
            : null;

    /// <summary>Each bot of the model's fallback may have an attempt when the others have used up theirs.</summary>
    internal static int MaxAttempts(ConversationOptions options, ModelDefinition? model) =>
        Math.Min(MaxTotalAttempts, options.MaxAttempts + (model?.Fallback.Count ?? 0));

    private async ValueTask<UpstreamTurn> BuildPrompt(LiveTurn turn, TurnRequest request, Lease lease, IUpstream upstream, CancellationToken stop)
    {
        if (upstream.IsLanguageModel) return await BuildModelPrompt(turn, request, lease, stop);
        // The first turn of a conversation has no history.
        var history = !turn.Progress.IsFirst && memory.IsNamed && PromptBuilder.NeedsHistory(request, memory, lease)
            ? await reader.ReadHistory(options.MaxStoredTurns, stop)
            : [];
        return PromptBuilder.Build(request, memory, lease, turn.Answered, history);
    }

    /// <summary>The whole history: as the client has sent it, or rebuilt from the storage if the client has sent only what is new.</summary>
    private async ValueTask<UpstreamTurn> BuildModelPrompt(LiveTurn turn, TurnRequest request, Lease lease, CancellationToken stop)
    {
        var ids = new UpstreamCallIds(lease.Bot.Upstream);
        if (turn.Answered is { } answered) ids.Add(answered.TurnId, answered.Upstream, answered.Calls, answered.Reasoning);
        if (ModelPrompt.HasHistory(request))
        {
            foreach (var turnId in ModelPrompt.FindAnsweredTurns(request).Where(id => id != turn.Answered?.TurnId).TakeLast(MaxAnsweredTurns))
            {
                if (await reader.FindAnswered(turnId) is { } earlier) ids.Add(turnId, earlier.Upstream, earlier.Calls, earlier.Reasoning);
            }
            return ModelPrompt.Build(request, lease, [], ids);
        }
        var history = !turn.Progress.IsFirst && memory.IsNamed ? await reader.ReadHistory(options.MaxStoredTurns, stop) : [];
        foreach (var past in history) ids.Add(past.TurnId, past.Upstream, past.Calls);
        return ModelPrompt.Build(request, lease, history, ids);
    }

    /// <summary>
    /// Records that a prompt is about to be sent whose exchange cannot be found again, perhaps after an attempt on an upstream that can find it: no other
    /// activation must resume that attempt. A turn that is stored as one that was not sent would be sent again, so the record is saved then. The row of a
    /// charged turn is always saved: it is the reservation.
    /// </summary>
    private async Task MarkNonResumable(LiveTurn turn, CancellationToken stop)
    {
        turn.IsResumable = false;
        turn.ResumeDelivery();
        turn.NonResumableRegistration ??= nonResumableTurns.Register();
        if (turn.IntentSave is { } earlySave) await Task.WhenAny(earlySave).WaitAsync(stop);
        turn.IntentSave = null;
        (turn.Progress.IsSent, turn.Progress.Handle) = (true, null);
        if (turn.Progress.IsStored || turn.Progress.Charge is not null) await writer.Save(turn.Progress).WaitAsync(stop);
    }
}
