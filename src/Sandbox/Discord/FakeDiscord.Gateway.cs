namespace CozeCluster.Sandbox.Discord;

// What can be done to gateway sockets. A null user id means all bots.
public sealed partial class FakeDiscord
{
    /// <summary>Cuts the sockets, without a close code or with one.</summary>
    public void DropSockets(int? closeCode = null, string? userId = null) => ForEach(userId, connection =>
    {
        if (closeCode is { } code) connection.Close(code);
        else connection.Cut();
    });

    /// <summary>Op 7: asks the clients to reconnect and resume.</summary>
    public void RequestReconnect(string? userId = null) => ForEach(userId, connection => connection.SendOp(7, null));

    /// <summary>
    /// Op 9: tells the clients that their session is invalid. A resumable one waits for a resume, on this socket or another; any other
    /// is forgotten.
    /// </summary>
    public void InvalidateSessions(bool resumable, string? userId = null) => ForEach(userId, connection =>
    {
        connection.SendOp(9, resumable);
        if (connection.Session is not { } session) return;
        Gateway.Detach(connection, resumable ? (int)CloseCode.Unknown : (int)CloseCode.NotAuthenticated);
        connection.Session = null;
    });

    /// <summary>Turns open sockets into zombies: nothing is acknowledged or delivered any more, until a new socket resumes.</summary>
    public void StopAcking(string? userId = null) => ForEach(userId, connection => connection.IsZombie = true);

    /// <summary>Op 1: asks for a heartbeat at once.</summary>
    public void AskForHeartbeat(string? userId = null) => ForEach(userId, connection => connection.SendOp(1, null));

    /// <summary>How many bots' sockets are open and identified.</summary>
    public int OpenSessions
    {
        get { lock (World.Gate) return Gateway.Sessions.Count(session => session.Connection is not null); }
    }

    private void ForEach(string? userId, Action<GatewayConnection> act)
    {
        lock (World.Gate)
            foreach (var connection in Gateway.ConnectionsOf(userId)) act(connection);
    }
}
