"""Arrays and records → figures. Pure: nothing here knows of Streamlit, a store or a session."""
