using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>Cuts listeners off, at random: most often by a dropped socket, sometimes by op 7 or op 9.</summary>
internal static class Cutter
{
    // Of a hundred. What op 9 ends has to identify anew, which Discord allows once in 5 s.
    private const int Drops = 70;
    private const int Reconnects = 85;

    /// <summary>Runs until cancelled.</summary>
    /// <returns>How often it cut.</returns>
    public static async Task<int> RunAsync(FakeDiscord discord, int every, Random random, CancellationToken cancellationToken)
    {
        var cuts = 0;
        try
        {
            while (every > 0)
            {
                await Task.Delay(random.Next(1, 2 * every), cancellationToken);
                var listener = DiscordSeeds.Listeners[random.Next(DiscordSeeds.Listeners.Count)].Id;
                switch (random.Next(100))
                {
                    case < Drops:
                        discord.DropSockets(userId: listener);
                        break;
                    case < Reconnects:
                        discord.RequestReconnect(listener);
                        break;
                    default:
                        discord.InvalidateSessions(resumable: false, listener);
                        break;
                }
                cuts++;
            }
        }
        catch (OperationCanceledException)
        {
        }
        return cuts;
    }
}
