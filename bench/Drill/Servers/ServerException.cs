namespace CozeCluster.Drill;

/// <summary>The sandbox or the node does not run as it should; the message says how.</summary>
internal sealed class ServerException(string message) : Exception(message);
